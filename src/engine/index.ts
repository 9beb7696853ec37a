export { cut } from './cut';
export { listEngines, useEngine, type EngineFinding, type EngineName, type UseEngineOptions } from './engines';
export * from './fused';
