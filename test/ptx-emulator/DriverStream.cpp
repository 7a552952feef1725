// Streams, events and graphs. What is put into a stream is executed when
// something waits for it, as late as the rules allow, so that a program that
// does not wait reads what was there before.
#include "Driver.h"
#include <algorithm>
#include <cstring>

using namespace ptx;
using namespace ptx::driver;

Stream *driver::resolve(Context &context, Stream *handle) {
  if (reinterpret_cast<uintptr_t>(handle) <= 2) // default, legacy, per thread
    return &context.defaultStream;
  auto it = std::find(context.streams.begin(), context.streams.end(), handle);
  return it == context.streams.end() ? nullptr : *it;
}

static Result forEachBlocking(Context &context) {
  for (auto it = context.streams.rbegin(); it != context.streams.rend(); ++it)
    if ((*it)->isBlocking())
      if (Result result = drain(context, **it))
        return result;
  return Success;
}

Result driver::enqueue(Context &context, Stream *handle, Operation operation) {
  Stream *stream = resolve(context, handle);
  if (!stream)
    return InvalidHandle;
  if (stream->capture) {
    stream->capture->operations.push_back(std::move(operation));
    return Success;
  }
  // The default stream and those that wait for it take turns.
  if (stream == &context.defaultStream) {
    if (Result result = forEachBlocking(context))
      return result;
  } else if (stream->isBlocking())
    if (Result result = drain(context, context.defaultStream))
      return result;
  stream->queue.push_back(std::move(operation));
  return Success;
}

Result driver::drain(Context &context, Stream &stream) {
  while (!stream.queue.empty() && !context.error) {
    Operation operation = std::move(stream.queue.front());
    stream.queue.pop_front();
    if (Result result = operation())
      context.error = result; // of this and all that follows
  }
  return context.error;
}

Result driver::drainAll(Context &context) {
  if (Result result = drain(context, context.defaultStream))
    return result;
  // The youngest first: no order between streams is promised.
  for (auto it = context.streams.rbegin(); it != context.streams.rend(); ++it)
    if (Result result = drain(context, **it))
      return result;
  return context.error;
}

Result driver::checkNoCapture(Context &context) {
  bool capturing = false;
  for (Stream *stream : context.streams)
    if (stream->capture && stream->captureMode != 2) {
      stream->captureInvalid = true;
      capturing = true;
    }
  return capturing ? CaptureUnsupported : Success;
}

PTX_API cuStreamCreateWithPriority(Stream **stream, unsigned flags,
                                   int priority) {
  PTX_GUARD
  if (!stream || flags > 1)
    return InvalidValue;
  *stream = new Stream;
  (*stream)->flags = flags;
  (*stream)->priority = priority;
  guard.context().streams.push_back(*stream);
  return Success;
}
PTX_API cuStreamCreate(Stream **stream, unsigned flags) {
  return cuStreamCreateWithPriority(stream, flags, 0);
}

PTX_API cuStreamDestroy_v2(Stream *stream) {
  Guard guard;
  if (guard.error == NotInitialized || guard.error == InvalidContext)
    return guard.error;
  if (resolve(guard.context(), stream) != stream)
    return InvalidHandle;
  Result result = guard.error ? Success : drain(guard.context(), *stream);
  guard.context().streams.remove(stream);
  delete stream;
  return result;
}

PTX_API cuStreamGetFlags(Stream *handle, unsigned *flags) {
  PTX_GUARD
  PTX_STREAM(handle)
  *flags = stream->flags;
  return Success;
}

PTX_API cuStreamGetPriority(Stream *handle, int *priority) {
  PTX_GUARD
  PTX_STREAM(handle)
  *priority = stream->priority;
  return Success;
}

PTX_API cuStreamSynchronize(Stream *handle) {
  PTX_GUARD
  PTX_STREAM(handle)
  if (stream->capture) {
    stream->captureInvalid = true;
    return CaptureUnsupported;
  }
  if (stream == &guard.context().defaultStream)
    if (Result result = forEachBlocking(guard.context()))
      return result;
  return drain(guard.context(), *stream);
}

// Polling makes progress.
PTX_API cuStreamQuery(Stream *handle) {
  PTX_GUARD
  PTX_STREAM(handle)
  if (stream->capture) {
    stream->captureInvalid = true;
    return CaptureUnsupported;
  }
  if (stream->queue.empty())
    return Success;
  Result result = drain(guard.context(), *stream);
  return result ? result : NotReady;
}

PTX_API cuLaunchHostFunc(Stream *stream, void (*function)(void *), void *data) {
  PTX_GUARD
  return enqueue(guard.context(), stream, [=] {
    function(data);
    return Success;
  });
}

PTX_API cuEventCreate(Event **event, unsigned flags) {
  PTX_GUARD
  *event = new Event;
  (*event)->flags = flags;
  return Success;
}

PTX_API cuEventDestroy_v2(Event *event) {
  Guard guard;
  if (!event)
    return InvalidHandle;
  if (event->pendingRecords && !guard.error)
    drain(guard.context(), *event->stream);
  delete event;
  return Success;
}

PTX_API cuEventRecord(Event *event, Stream *handle) {
  PTX_GUARD
  Stream *stream = resolve(guard.context(), handle);
  if (!event || !stream)
    return InvalidHandle;
  event->capture = stream->capture;
  if (stream->capture)
    return Success;
  event->recorded = true;
  event->stream = stream;
  ++event->pendingRecords;
  return enqueue(guard.context(), handle, [event] {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    event->milliseconds = now.tv_sec * 1e3 + now.tv_nsec * 1e-6;
    --event->pendingRecords;
    return Success;
  });
}
PTX_API cuEventRecordWithFlags(Event *event, Stream *stream, unsigned) {
  return cuEventRecord(event, stream);
}

PTX_API cuEventQuery(Event *event) {
  PTX_GUARD
  if (!event->pendingRecords)
    return Success;
  Result result = drain(guard.context(), *event->stream);
  return result ? result : NotReady;
}

PTX_API cuEventSynchronize(Event *event) {
  PTX_GUARD
  if (event->capture)
    return CaptureUnsupported;
  return event->pendingRecords ? drain(guard.context(), *event->stream)
                               : Success;
}

PTX_API cuEventElapsedTime(float *milliseconds, Event *start, Event *end) {
  PTX_GUARD
  if (!start->recorded || !end->recorded)
    return InvalidHandle;
  if (start->pendingRecords || end->pendingRecords)
    return NotReady;
  *milliseconds = end->milliseconds - start->milliseconds;
  return Success;
}
PTX_API cuEventElapsedTime_v2(float *milliseconds, Event *start, Event *end) {
  return cuEventElapsedTime(milliseconds, start, end);
}

PTX_API cuStreamWaitEvent(Stream *handle, Event *event, unsigned) {
  PTX_GUARD
  Context &context = guard.context();
  Stream *stream = resolve(context, handle);
  if (!stream || !event)
    return InvalidHandle;
  if (event->capture) { // the stream joins the capture, or comes back to it
    if (stream->capture && stream->capture != event->capture)
      return CaptureUnsupported;
    stream->capture = event->capture;
    return Success;
  }
  if (!event->recorded || event->stream == stream)
    return Success;
  if (stream->capture)
    return CaptureUnsupported;
  return enqueue(context, handle, [event, &context] {
    return event->pendingRecords ? drain(context, *event->stream) : Success;
  });
}

PTX_API cuStreamBeginCapture_v2(Stream *handle, unsigned mode) {
  PTX_GUARD
  Stream *stream = resolve(guard.context(), handle);
  if (!stream || stream == &guard.context().defaultStream)
    return CaptureUnsupported;
  if (stream->capture)
    return IllegalState;
  stream->capture = new Graph;
  stream->captureOrigin = true;
  stream->captureInvalid = false;
  stream->captureMode = mode;
  return Success;
}

PTX_API cuStreamEndCapture(Stream *handle, Graph **graph) {
  PTX_GUARD
  Stream *stream = resolve(guard.context(), handle);
  if (!stream || !stream->capture || !stream->captureOrigin)
    return IllegalState;
  Graph *captured = stream->capture;
  bool invalid = stream->captureInvalid;
  for (Stream *other : guard.context().streams)
    if (other->capture == captured) {
      invalid |= other->captureInvalid;
      other->capture = nullptr;
      other->captureOrigin = false;
    }
  *graph = invalid ? nullptr : captured;
  if (!invalid)
    return Success;
  delete captured;
  return CaptureInvalidated;
}

PTX_API cuStreamIsCapturing(Stream *handle, int *status) {
  PTX_GUARD
  PTX_STREAM(handle)
  *status = !stream->capture ? 0 : stream->captureInvalid ? 2 : 1;
  return Success;
}

PTX_API cuThreadExchangeStreamCaptureMode(unsigned *mode) {
  static thread_local unsigned current = 0;
  std::swap(*mode, current);
  return Success;
}

// An executable graph is a copy of the operations.
PTX_API cuGraphInstantiateWithFlags(Graph **executable, Graph *graph,
                                    unsigned long long) {
  PTX_GUARD
  if (!executable || !graph)
    return InvalidValue;
  *executable = new Graph(*graph);
  return Success;
}
PTX_API cuGraphInstantiate_v2(Graph **executable, Graph *graph,
                              void **errorNode, char *log, size_t size) {
  if (errorNode)
    *errorNode = nullptr;
  if (log && size)
    *log = 0;
  return cuGraphInstantiateWithFlags(executable, graph, 0);
}

PTX_API cuGraphLaunch(Graph *executable, Stream *stream) {
  PTX_GUARD
  if (!executable)
    return InvalidHandle;
  ++counts().graphs;
  for (const Operation &operation : executable->operations)
    if (Result result = enqueue(guard.context(), stream, operation))
      return result;
  return Success;
}

PTX_API cuGraphUpload(Graph *, Stream *) { return Success; }

PTX_API cuGraphGetNodes(Graph *graph, void **nodes, size_t *count) {
  PTX_GUARD
  if (nodes)
    return NotSupported;
  *count = graph->operations.size();
  return Success;
}

static Result destroy(Graph *graph) {
  if (!graph)
    return InvalidHandle;
  delete graph;
  return Success;
}
PTX_API cuGraphExecDestroy(Graph *executable) { return destroy(executable); }
PTX_API cuGraphDestroy(Graph *graph) { return destroy(graph); }
