// The first file that an environment's Node runs: loads the handler as Lambda's Node runtime does and serves events over frames.
//
// `node node_bootstrap.mjs [--wait]`: with `--wait`, the first frame says which function it is. Descriptor 3 carries frames (kind, header bytes, body bytes; header as JSON), 4 takes what the
// console writes as framed records, so that a record with line breaks stays one. Callback, promise, async and streaming handlers.

import fs from 'node:fs';
import module from 'node:module';
import net from 'node:net';
import path from 'node:path';
import { Writable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { format, types } from 'node:util';

const READY = 16, RESULT = 17, ERROR = 18, INIT_ERROR = 19, STREAM = 20, CHUNK = 21, END = 22;
const HEAD_BYTES = 9;
const WHOLE_BYTES_MAX = 65536;
const RECORDS_FD = 4;
const LEVELS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];
let JSON_LOGS = false, LOWEST = 0;

let requestId = '';

// --- what the console writes -------------------------------------------------------------------------------------------------------

function writeAll(fd, bytes) {
  let at = 0;
  while (at < bytes.length) {
    try {
      at += fs.writeSync(fd, bytes, at);
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
    }
  }
}

function record(level, text) {
  const body = Buffer.from(text);
  const head = Buffer.alloc(16);
  // The type says the format (bit 0) and the level (bits 2 to 4), as awslambdaric's does.
  head.writeUInt32BE(0xa55a0000 + (JSON_LOGS ? 2 : 3) + ((LEVELS.indexOf(level) + 1) << 2), 0);
  head.writeUInt32BE(body.length, 4);
  head.writeBigUInt64BE(BigInt(Date.now()) * 1000n, 8);
  writeAll(RECORDS_FD, Buffer.concat([head, body]));
}

function asJson(level, params) {
  const line = { timestamp: new Date().toISOString(), level, requestId };
  if (params.length === 1) {
    line.message = params[0];
    if (params[0] instanceof Error) Object.assign(line, { message: undefined }, described(params[0]));
  } else {
    line.message = format(...params);
    const error = params.find((each) => each instanceof Error);
    if (error) Object.assign(line, described(error));
  }
  const plain = (_, value) => (value instanceof Error ? described(value) : typeof value === 'bigint' ? String(value) : value);
  try {
    return JSON.stringify(line, plain);
  } catch {
    return JSON.stringify({ ...line, message: format(...params) });
  }
}

function described(error) {
  return { errorType: error.name, errorMessage: error.message, stackTrace: (error.stack ?? '').split('\n').map((each) => each.trim()) };
}

function log(level, ...params) {
  if (LEVELS.indexOf(level) < LOWEST) return;
  record(level, JSON_LOGS ? asJson(level, params) : `${new Date().toISOString()}\t${requestId || 'undefined'}\t${level}\t${format(...params)}`);
}

function patchConsole() {
  console.trace = (...params) => log('TRACE', ...params);
  console.debug = (...params) => log('DEBUG', ...params);
  console.log = (...params) => log('INFO', ...params);
  console.info = (...params) => log('INFO', ...params);
  console.warn = (...params) => log('WARN', ...params);
  console.error = (...params) => log('ERROR', ...params);
  console.fatal = (...params) => log('FATAL', ...params);
}

// --- frames ------------------------------------------------------------------------------------------------------------------------

const socket = new net.Socket({ fd: 3, readable: true, writable: true });

function send(kind, header, body = Buffer.alloc(0), done = undefined) {
  const head = JSON.stringify(header);
  const bodyAt = HEAD_BYTES + Buffer.byteLength(head);
  const isWhole = body.length <= WHOLE_BYTES_MAX; // a frame in two pieces wakes the server twice
  const frame = Buffer.allocUnsafe(isWhole ? bodyAt + body.length : bodyAt);
  frame.writeUInt8(kind, 0);
  frame.writeUInt32BE(bodyAt - HEAD_BYTES, 1);
  frame.writeUInt32BE(body.length, 5);
  frame.write(head, HEAD_BYTES);
  if (isWhole) {
    frame.set(body, bodyAt);
    return socket.write(frame, done);
  }
  socket.write(frame);
  return socket.write(body, done);
}

const peak = () => String(process.resourceUsage().maxRSS); // in kB

let waiting = null;
let chunks = [];
let size = 0;

function received(data) {
  chunks.push(data);
  size += data.length;
  if (size < HEAD_BYTES) return;
  let all = chunks.length === 1 ? data : null;
  if (all === null && size < (received.needed ?? 0)) return;
  all ??= Buffer.concat(chunks);
  chunks = [all];
  const header = all.readUInt32BE(1), body = all.readUInt32BE(5);
  received.needed = HEAD_BYTES + header + body;
  if (size < received.needed) return;
  const event = { header: JSON.parse(all.subarray(HEAD_BYTES, HEAD_BYTES + header)), body: all.subarray(HEAD_BYTES + header, received.needed) };
  chunks = size > received.needed ? [all.subarray(received.needed)] : [];
  size -= received.needed;
  received.needed = 0;
  waiting?.(event);
}

const next = () => new Promise((resolve) => { waiting = resolve; socket.ref(); });

// --- errors ------------------------------------------------------------------------------------------------------------------------

class RuntimeError extends Error {
  constructor(name, message) {
    super(message);
    this.name = name;
  }
}

function errorDocument(error) {
  if (types.isNativeError(error) || (error && error.name && error.message !== undefined && error.stack)) {
    return { errorType: error.name?.replaceAll('\x7f', '%7F'), errorMessage: String(error.message).replaceAll('\x7f', '%7F'), trace: String(error.stack).replaceAll('\x7f', '%7F').split('\n') };
  }
  return { errorType: typeof error, errorMessage: String(error), trace: [] };
}

function logError(kind, error) {
  const document = errorDocument(error);
  const full = { errorType: document.errorType, errorMessage: document.errorMessage };
  if (error && typeof error === 'object') for (const key of Object.keys(error)) if (key !== 'name' && key !== 'message') full[key] = error[key];
  full.stack = document.trace;
  let text;
  try {
    text = JSON.stringify(full);
  } catch {
    text = JSON.stringify({ errorType: document.errorType, errorMessage: document.errorMessage, stack: document.trace });
  }
  if (JSON_LOGS) record('ERROR', JSON.stringify({ timestamp: new Date().toISOString(), level: 'ERROR', requestId, message: { errorType: document.errorType, errorMessage: document.errorMessage, stackTrace: document.trace } }));
  else record('ERROR', `${new Date().toISOString()}\t${requestId || 'undefined'}\tERROR\t${kind} \t${text}`);
}

function die(kind, error) {
  const name = error?.name === 'Runtime.UnhandledPromiseRejection' ? error.name : errorDocument(error).errorType;
  logError(kind, error);
  const document = Buffer.from(JSON.stringify(errorDocument(error)));
  const header = requestId ? { request_id: requestId, error_type: name, peak_kb: peak() } : { error_type: name };
  send(requestId ? ERROR : INIT_ERROR, header, document, () => process.exit(128 + 1));
}

// --- the handler -------------------------------------------------------------------------------------------------------------------

const STREAMS = Symbol.for('aws.lambda.runtime.handler.streaming');

globalThis.awslambda = {
  ...globalThis.awslambda,
  streamifyResponse(handler, options) {
    handler[STREAMS] = STREAMS;
    return Object.assign(handler, options?.highWaterMark ? { highWaterMark: options.highWaterMark } : {});
  },
  HttpResponseStream: {
    from(stream, prelude) {
      stream.setContentType('application/vnd.awslambda.http-integration-response');
      stream.write(JSON.stringify(prelude));
      stream.write(Buffer.alloc(8)); // what parts the prelude from the body
      return stream;
    },
  },
};

function candidates(base) {
  return ['', '.js', '.mjs', '.cjs'].map((suffix) => base + suffix);
}

async function imported(file) {
  const require = module.createRequire(file);
  if (file.endsWith('.mjs')) return import(pathToFileURL(file).href);
  try {
    return require(file);
  } catch (error) {
    // Code that is an ES module by its package.json, or that awaits at its top level.
    if (error?.code === 'ERR_REQUIRE_ESM' || error?.code === 'ERR_REQUIRE_ASYNC_MODULE') return import(pathToFileURL(file).href);
    throw error;
  }
}

async function loaded(root, name) {
  const file = candidates(path.resolve(root, name)).find((each) => fs.existsSync(each) && fs.statSync(each).isFile());
  try {
    if (file) return await imported(file);
    return module.createRequire(path.join(root, 'index.js'))(name);
  } catch (error) {
    if (error instanceof SyntaxError) throw Object.assign(new RuntimeError('Runtime.UserCodeSyntaxError', `SyntaxError: ${error.message}`), { stack: error.stack });
    if (['MODULE_NOT_FOUND', 'ERR_MODULE_NOT_FOUND'].includes(error?.code)) {
      throw Object.assign(new RuntimeError('Runtime.ImportModuleError', `Error: ${error.message}`), { stack: `Runtime.ImportModuleError: Error: ${error.message}\n${String(error.stack).split('\n').slice(1).join('\n')}` });
    }
    throw error;
  }
}

async function findHandler(full) {
  const bare = path.basename(full);
  const match = /^([^.]*)\.(.*)$/.exec(bare);
  if (!match || match[2] === '') throw new RuntimeError('Runtime.MalformedHandlerName', 'Bad handler');
  if (full.includes('..')) throw new RuntimeError('Runtime.MalformedHandlerName', `'${full}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`);
  const root = path.join(process.env.LAMBDA_TASK_ROOT, full.slice(0, full.length - bare.length));
  const found = await loaded(root, match[1]);
  let handler = found;
  for (const part of match[2].split('.')) handler = handler?.[part];
  if (handler === undefined) handler = match[2].split('.').reduce((each, part) => each?.[part], found?.default);
  if (!handler) throw new RuntimeError('Runtime.HandlerNotFound', `${full} is undefined or not exported`);
  if (typeof handler !== 'function') throw new RuntimeError('Runtime.HandlerNotFound', `${full} is not a function`);
  return handler;
}

// --- one event ---------------------------------------------------------------------------------------------------------------------

function contextOf(header) {
  const parsed = header.client_context ? JSON.parse(header.client_context) : undefined;
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: parsed,
    identity: header.cognito ? JSON.parse(header.cognito) : undefined,
    invokedFunctionArn: header.arn,
    awsRequestId: header.request_id,
    tenantId: header.tenant || undefined,
    getRemainingTimeInMillis: () => header.deadline_ms - Date.now(),
  };
}

function responseStream(id) {
  let contentType = 'application/octet-stream';
  let begun = false;
  const begin = () => {
    if (!begun) send(STREAM, { request_id: id, content_type: contentType });
    begun = true;
  };
  const stream = new Writable({
    write(chunk, encoding, done) {
      begin();
      send(CHUNK, { request_id: id }, Buffer.from(chunk, encoding), done);
    },
    final(done) {
      begin();
      send(END, { request_id: id });
      done();
    },
  });
  stream.setContentType = (value) => { if (!begun) contentType = value; };
  stream.hasBegun = () => begun;
  const write = stream.write.bind(stream);
  stream.write = (chunk, ...rest) => write(typeof chunk === 'string' || ArrayBuffer.isView(chunk) ? chunk : JSON.stringify(chunk), ...rest);
  return stream;
}

async function stream(handler, event, context) {
  const out = responseStream(requestId);
  const finished = new Promise((resolve, reject) => { out.on('finish', resolve); out.on('error', reject); });
  try {
    await handler(event, out, context);
    if (!out.writableEnded) out.end();
    await finished;
  } catch (error) {
    logError('Invoke Error', error);
    const document = Buffer.from(JSON.stringify(errorDocument(error)));
    const header = { request_id: requestId, error_type: errorDocument(error).errorType };
    send(out.hasBegun() ? END : ERROR, header, document);
  }
}

function marshalled(result) {
  try {
    return Buffer.from(JSON.stringify(result === undefined ? null : result) ?? 'null');
  } catch {
    throw new Error('Unable to stringify response body');
  }
}

// Resolves with the result; for a callback handler, when the event loop has run empty, unless the context says not to wait.
function called(handler, event, context) {
  return new Promise((resolve, reject) => {
    let over = false;
    const finish = (error, result) => {
      if (over) return;
      over = true;
      const settle = () => (error !== undefined && error !== null ? reject(error) : resolve(result));
      if (context.callbackWaitsForEmptyEventLoop && !promised) {
        process.removeAllListeners('beforeExit');
        process.once('beforeExit', settle);
        socket.unref();
      } else settle();
    };
    let promised = false;
    context.done = finish;
    context.succeed = (result) => finish(null, result);
    context.fail = (error) => finish(error ?? 'handled');
    // A handler that neither calls back nor keeps anything alive has answered null.
    process.removeAllListeners('beforeExit');
    process.once('beforeExit', () => { if (!over) { over = true; resolve(null); } });
    socket.unref();
    const returned = handler(event, context, finish);
    if (returned && typeof returned.then === 'function') {
      promised = true;
      returned.then((value) => { if (!over) { over = true; resolve(value); } }, (error) => { if (!over) { over = true; reject(error ?? new Error('undefined')); } });
    }
  });
}

async function serve(handler, { header, body }) {
  requestId = header.request_id;
  if (header.trace) process.env._X_AMZN_TRACE_ID = header.trace;
  else delete process.env._X_AMZN_TRACE_ID;
  const context = contextOf(header);
  const event = JSON.parse(body);
  if (handler[STREAMS]) return stream(handler, event, context);
  try {
    const result = marshalled(await called(handler, event, context));
    send(RESULT, { request_id: requestId, content_type: 'application/json', peak_kb: peak() }, result);
  } catch (error) {
    logError('Invoke Error', error);
    send(ERROR, { request_id: requestId, error_type: errorDocument(error).errorType, peak_kb: peak() }, Buffer.from(JSON.stringify(errorDocument(error))));
  }
}

// --- the life of the process -------------------------------------------------------------------------------------------------------

process.on('uncaughtException', (error) => die('Uncaught Exception', error));
process.on('unhandledRejection', (reason) => {
  const error = new RuntimeError('Runtime.UnhandledPromiseRejection', reason?.toString());
  error.reason = reason;
  die('Unhandled Promise Rejection', error);
});
socket.on('data', received);
socket.on('close', () => process.exit(0));
socket.on('error', () => process.exit(0));

// A start with functions that do nothing: what it loads, compiles and looks up is there already when the real one comes.
async function rehearse() {
  for (const file of ['/var/runtime/rehearsal.cjs', '/var/runtime/rehearsal.mjs']) {
    const { handler } = await loaded('/var/runtime', path.basename(file));
    const event = JSON.parse(Buffer.from('{"text": "é"}'));
    marshalled(await called(handler, event, contextOf({ deadline_ms: Date.now() })));
    delete module.createRequire(file).cache[file];
  }
  process.removeAllListeners('beforeExit');
  format('%s', [new Date().toISOString(), peak()]);
}

async function become() {
  await rehearse();
  const { header } = await next();
  waiting = null;
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, header.env);
  process.chdir(process.env.LAMBDA_TASK_ROOT); // mounted after we had started
}

if (process.argv[2] === '--wait') await become();
JSON_LOGS = (process.env.AWS_LAMBDA_LOG_FORMAT ?? '').toUpperCase() === 'JSON';
LOWEST = Math.max(0, LEVELS.indexOf((process.env.AWS_LAMBDA_LOG_LEVEL ?? '').toUpperCase()));
patchConsole();
const name = process.env._HANDLER;
process.argv.splice(1, 2, '/var/runtime/index.mjs');
try {
  const handler = await findHandler(name);
  send(READY, {});
  for (;;) {
    const event = await next();
    waiting = null;
    await serve(handler, event);
  }
} catch (error) {
  requestId = '';
  die('Uncaught Exception', error);
}
