import { conformance } from './conformance';

await conformance('tensorflow');
