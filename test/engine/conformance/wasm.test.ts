import { conformance } from './conformance';

await conformance('wasm');
