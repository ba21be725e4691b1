import { MemoryStore } from './memory-store.ts';
import { testStore } from './store.conformance.ts';

testStore('memory', () => ({ store: new MemoryStore(), close: () => {} }));
