import { conformance } from './conformance';

await conformance('webgpu');
