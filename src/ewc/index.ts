export * from './accuracyMatrix';
export * from './ewc';
export * from './fisher';
export type { Fisher, FisherData, FisherOptions } from './measuredFisher';
export { squaredGradients } from './perExample';
export type { SquaredGradientsOptions } from './perExample';
export * from './replay';
