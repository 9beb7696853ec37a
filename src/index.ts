export * from './core';
export * from './data';
export { listEngines, useEngine, type EngineFinding, type EngineName, type UseEngineOptions } from './engine/engines';
export * from './losses';
export * from './model';
export * from './training';
