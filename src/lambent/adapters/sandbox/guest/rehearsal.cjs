// What a Node that waits goes through before the first real function comes: one that is a CommonJS module.
exports.handler = async (event) => event;
