import { conformance } from './conformance';

await conformance('capi');
