// What a Node that waits goes through before the first real function comes: one that is an ES module.
export const handler = async (event) => event;
