package function

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"

	types "lambda-wasm.internal/function/bindings/wasi_http_types"
	streams "lambda-wasm.internal/function/bindings/wasi_io_streams"
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
	request := &http.Request{
		Method:        methodName(incoming.Method()),
		URL:           target,
		RequestURI:    uri,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        http.Header{},
		Host:          incoming.Authority().SomeOr(""),
		Body:          body,
		ContentLength: -1,
	}
	headers := incoming.Headers()
	for _, entry := range headers.Entries() {
		request.Header.Add(entry.F0, string(entry.F1))
	}
	headers.Drop()
	if length, err := strconv.ParseInt(request.Header.Get("Content-Length"), 10, 64); err == nil {
		request.ContentLength = length
	}
	return request, nil
}

func methodName(method types.Method) string {
	if method.Tag() == types.MethodOther {
		return method.Other()
	}
	return methods[method.Tag()]
}

// body reads the body of a request from its stream.
type body struct {
	incoming *types.IncomingBody
	stream   *streams.InputStream
}

func newBody(request *types.IncomingRequest) (*body, error) {
	incoming := request.Consume()
	if incoming.IsErr() {
		return nil, errors.New("the request has no body to read")
	}
	stream := incoming.Ok().Stream()
	if stream.IsErr() {
		return nil, errors.New("the body of the request has no stream")
	}
	return &body{incoming.Ok(), stream.Ok()}, nil
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
		body.stream = nil
	}
	return nil
}
