package function

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"

	types "lambda-wasm.internal/function/bindings/wasi_http_types"
	streams "lambda-wasm.internal/function/bindings/wasi_io_streams"
	wit "lambda-wasm.internal/function/wit/types"
)

// The names of the methods, by their tags.
var methods = [...]string{
	types.MethodGet:     http.MethodGet,
	types.MethodHead:    http.MethodHead,
	types.MethodPost:    http.MethodPost,
	types.MethodPut:     http.MethodPut,
	types.MethodDelete:  http.MethodDelete,
	types.MethodConnect: http.MethodConnect,
	types.MethodOptions: http.MethodOptions,
	types.MethodTrace:   http.MethodTrace,
	types.MethodPatch:   http.MethodPatch,
}

// newRequest makes the request that a server of net/http would make.
func newRequest(incoming *types.IncomingRequest) (*http.Request, error) {
	uri := incoming.PathWithQuery().SomeOr("/")
	target, err := url.ParseRequestURI(uri)
	if err != nil {
		return nil, err
	}
	body, err := newBody(incoming)
	if err != nil {
		return nil, err
	}
	header := newHeader(incoming.Headers())
	return &http.Request{
		Method:        methodName(incoming.Method()),
		URL:           target,
		RequestURI:    uri,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        header,
		Host:          incoming.Authority().SomeOr(""),
		Body:          body,
		ContentLength: contentLength(header),
	}, nil
}

func newHeader(fields *types.Fields) http.Header {
	header := http.Header{}
	for _, entry := range fields.Entries() {
		header.Add(entry.F0, string(entry.F1))
	}
	fields.Drop()
	return header
}

// contentLength returns the length of a body, or -1 if it is not known.
func contentLength(header http.Header) int64 {
	length, err := strconv.ParseInt(header.Get("Content-Length"), 10, 64)
	if err != nil {
		return -1
	}
	return length
}

func methodName(method types.Method) string {
	if method.Tag() == types.MethodOther {
		return method.Other()
	}
	return methods[method.Tag()]
}

// body reads the body of a request or response from its stream.
type body struct {
	message  message
	incoming *types.IncomingBody
	stream   *streams.InputStream
}

// message is a request or response that came in.
type message interface {
	Consume() wit.Result[*types.IncomingBody, wit.Unit]
	Drop()
}

func newBody(message message) (*body, error) {
	incoming := message.Consume()
	if incoming.IsErr() {
		return nil, errors.New("the body was read before")
	}
	stream := incoming.Ok().Stream()
	if stream.IsErr() {
		return nil, errors.New("the body has no stream")
	}
	return &body{message, incoming.Ok(), stream.Ok()}, nil
}

func (body *body) Read(buffer []byte) (int, error) {
	if body.stream == nil {
		return 0, http.ErrBodyReadAfterClose
	}
	if len(buffer) == 0 {
		return 0, nil
	}
	read := body.stream.BlockingRead(uint64(len(buffer)))
	if read.IsOk() {
		return copy(buffer, read.Ok()), nil
	}
	if read.Err().Tag() == streams.StreamErrorClosed {
		return 0, io.EOF
	}
	return 0, io.ErrUnexpectedEOF
}

func (body *body) Close() error {
	if body.stream != nil {
		body.stream.Drop()
		body.incoming.Drop()
		body.message.Drop()
		body.stream = nil
	}
	return nil
}
