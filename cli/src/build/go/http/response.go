package function

import (
	"bufio"
	"errors"
	"net/http"

	types "lambda-wasm.internal/function/bindings/wasi_http_types"
	streams "lambda-wasm.internal/function/bindings/wasi_io_streams"
	wit "lambda-wasm.internal/function/wit/types"
)

// The most bytes that one call of the stream takes.
const chunk = 4096

// responseWriter is the http.ResponseWriter and http.Flusher of one response.
type responseWriter struct {
	out    *types.ResponseOutparam
	header http.Header
	// The body, after the head was sent.
	body   *types.OutgoingBody
	stream *streams.OutputStream
	buffer *bufio.Writer
}

func newResponseWriter(out *types.ResponseOutparam) *responseWriter {
	return &responseWriter{out: out, header: http.Header{}}
}

func (writer *responseWriter) Header() http.Header {
	return writer.header
}

func (writer *responseWriter) WriteHeader(status int) {
	// Lambda has no informational responses.
	if writer.body != nil || status < 200 {
		return
	}
	fields, err := newFields(writer.header)
	if err != nil {
		panic(err)
	}
	response := types.MakeOutgoingResponse(fields)
	if response.SetStatusCode(uint16(status)).IsErr() {
		panic("the status is not valid")
	}
	writer.body = response.Body().Ok()
	writer.stream = writer.body.Write().Ok()
	writer.buffer = bufio.NewWriterSize(outputStream{writer.stream}, chunk)
	types.ResponseOutparamSet(writer.out, wit.Ok[*types.OutgoingResponse, types.ErrorCode](response))
}

func (writer *responseWriter) Write(bytes []byte) (int, error) {
	if writer.body == nil {
		if _, isSet := writer.header["Content-Type"]; !isSet {
			writer.header.Set("Content-Type", http.DetectContentType(bytes))
		}
		writer.WriteHeader(http.StatusOK)
	}
	return writer.buffer.Write(bytes)
}

func (writer *responseWriter) Flush() {
	writer.WriteHeader(http.StatusOK)
	writer.buffer.Flush()
}

// finish ends the response.
func (writer *responseWriter) finish() {
	writer.Flush()
	writer.stream.Drop()
	types.OutgoingBodyFinish(writer.body, wit.None[*types.Fields]())
}

func newFields(header http.Header) (*types.Fields, error) {
	fields := types.MakeFields()
	for name, values := range header {
		for _, value := range values {
			appended := fields.Append(name, []byte(value))
			// Forbidden fields are those of a connection, which is the host's.
			if appended.IsErr() && appended.Err().Tag() != types.HeaderErrorForbidden {
				return nil, errors.New("the header " + name + " is not valid")
			}
		}
	}
	return fields, nil
}

// outputStream writes to a stream in calls that are not too long.
type outputStream struct {
	stream *streams.OutputStream
}

func (output outputStream) Write(bytes []byte) (int, error) {
	written := 0
	for written < len(bytes) {
		end := min(written+chunk, len(bytes))
		if output.stream.BlockingWriteAndFlush(bytes[written:end]).IsErr() {
			return written, errors.New("the connection is closed")
		}
		written = end
	}
	return written, nil
}
