/** Counts the memories that a function makes. */
export function memories(action: () => void): number {
  const { Memory } = WebAssembly;
  let made = 0;
  WebAssembly.Memory = class extends Memory {
    constructor(descriptor: WebAssembly.MemoryDescriptor) {
      super(descriptor);
      made++;
    }
  };
  try {
    action();
  } finally {
    WebAssembly.Memory = Memory;
  }
  return made;
}
