package function

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	outgoing "lambda-wasm.internal/function/bindings/wasi_http_outgoing_handler"
	types "lambda-wasm.internal/function/bindings/wasi_http_types"
	wit "lambda-wasm.internal/function/wit/types"
)

// Transport sends the requests of an http.Client through the host: &http.Client{Transport: function.Transport{}}.
//
// The policy of the function grants the origins. The transport of net/http has no sockets here. It is not replaced,
// since a function that sends no requests is much smaller without it. Other goroutines wait while a request waits.
type Transport struct{}

// RoundTrip sends a request, and returns its response when its head is there. The deadline of the request's context is a
// limit for the connection, the head, and each chunk of the body.
func (Transport) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.Body != nil {
		defer request.Body.Close()
	}
	message, err := newOutgoingRequest(request)
	if err != nil {
		return nil, err
	}
	body := message.Body().Ok()
	sent := outgoing.Handle(message, options(request))
	if sent.IsErr() {
		body.Drop()
		return nil, requestError(sent.Err())
	}
	future := sent.Ok()
	defer future.Drop()
	if err := send(body, request.Body); err != nil {
		return nil, err
	}
	arrived := future.Subscribe()
	arrived.Block()
	arrived.Drop()
	result := future.Get().Some().Ok()
	if result.IsErr() {
		return nil, requestError(result.Err())
	}
	return newResponse(result.Ok(), request)
}

func newOutgoingRequest(request *http.Request) (*types.OutgoingRequest, error) {
	fields, err := newFields(request.Header)
	if err != nil {
		return nil, err
	}
	if request.ContentLength > 0 {
		fields.Append("content-length", []byte(strconv.FormatInt(request.ContentLength, 10)))
	}
	message := types.MakeOutgoingRequest(fields)
	scheme := types.MakeSchemeOther(request.URL.Scheme)
	switch request.URL.Scheme {
	case "http":
		scheme = types.MakeSchemeHttp()
	case "https":
		scheme = types.MakeSchemeHttps()
	}
	authority := request.Host
	if authority == "" {
		authority = request.URL.Host
	}
	if message.SetMethod(newMethod(request.Method)).IsErr() ||
		message.SetScheme(wit.Some(scheme)).IsErr() ||
		message.SetAuthority(wit.Some(authority)).IsErr() ||
		message.SetPathWithQuery(wit.Some(request.URL.RequestURI())).IsErr() {
		message.Drop()
		return nil, errors.New("the request is not valid")
	}
	return message, nil
}

func newMethod(name string) types.Method {
	if name == "" {
		name = http.MethodGet
	}
	// The bindings have a function for each method, and none for a tag.
	switch name {
	case http.MethodGet:
		return types.MakeMethodGet()
	case http.MethodHead:
		return types.MakeMethodHead()
	case http.MethodPost:
		return types.MakeMethodPost()
	case http.MethodPut:
		return types.MakeMethodPut()
	case http.MethodDelete:
		return types.MakeMethodDelete()
	case http.MethodConnect:
		return types.MakeMethodConnect()
	case http.MethodOptions:
		return types.MakeMethodOptions()
	case http.MethodTrace:
		return types.MakeMethodTrace()
	case http.MethodPatch:
		return types.MakeMethodPatch()
	}
	return types.MakeMethodOther(name)
}

// options limits the request to the deadline of its context.
func options(request *http.Request) wit.Option[*types.RequestOptions] {
	deadline, isLimited := request.Context().Deadline()
	if !isLimited {
		return wit.None[*types.RequestOptions]()
	}
	left := wit.Some(uint64(max(time.Until(deadline), 1)))
	options := types.MakeRequestOptions()
	options.SetConnectTimeout(left)
	options.SetFirstByteTimeout(left)
	options.SetBetweenBytesTimeout(left)
	return wit.Some(options)
}

// send sends the body of a request.
func send(body *types.OutgoingBody, content io.Reader) error {
	if content != nil {
		stream := body.Write().Ok()
		_, err := io.Copy(outputStream{stream}, content)
		stream.Drop()
		if err != nil {
			body.Drop()
			return err
		}
	}
	if finished := types.OutgoingBodyFinish(body, wit.None[*types.Fields]()); finished.IsErr() {
		return requestError(finished.Err())
	}
	return nil
}

func newResponse(incoming *types.IncomingResponse, request *http.Request) (*http.Response, error) {
	status := int(incoming.Status())
	header := newHeader(incoming.Headers())
	body, err := newBody(incoming)
	if err != nil {
		return nil, err
	}
	return &http.Response{
		Status:        fmt.Sprintf("%d %s", status, http.StatusText(status)),
		StatusCode:    status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        header,
		Body:          body,
		ContentLength: contentLength(header),
		Request:       request,
	}, nil
}

// The names of the errors in the WIT of wasi:http, by their tags.
var errorNames = [...]string{
	types.ErrorCodeDnsTimeout:                     "DNS timeout",
	types.ErrorCodeDnsError:                       "DNS error",
	types.ErrorCodeDestinationNotFound:            "destination not found",
	types.ErrorCodeDestinationUnavailable:         "destination unavailable",
	types.ErrorCodeDestinationIpProhibited:        "destination IP prohibited",
	types.ErrorCodeDestinationIpUnroutable:        "destination IP unroutable",
	types.ErrorCodeConnectionRefused:              "connection refused",
	types.ErrorCodeConnectionTerminated:           "connection terminated",
	types.ErrorCodeConnectionTimeout:              "connection timeout",
	types.ErrorCodeConnectionReadTimeout:          "connection read timeout",
	types.ErrorCodeConnectionWriteTimeout:         "connection write timeout",
	types.ErrorCodeConnectionLimitReached:         "connection limit reached",
	types.ErrorCodeTlsProtocolError:               "TLS protocol error",
	types.ErrorCodeTlsCertificateError:            "TLS certificate error",
	types.ErrorCodeTlsAlertReceived:               "TLS alert received",
	types.ErrorCodeHttpRequestDenied:              "HTTP request denied",
	types.ErrorCodeHttpRequestLengthRequired:      "HTTP request length required",
	types.ErrorCodeHttpRequestBodySize:            "HTTP request body size",
	types.ErrorCodeHttpRequestMethodInvalid:       "HTTP request method invalid",
	types.ErrorCodeHttpRequestUriInvalid:          "HTTP request URI invalid",
	types.ErrorCodeHttpRequestUriTooLong:          "HTTP request URI too long",
	types.ErrorCodeHttpRequestHeaderSectionSize:   "HTTP request header section size",
	types.ErrorCodeHttpRequestHeaderSize:          "HTTP request header size",
	types.ErrorCodeHttpRequestTrailerSectionSize:  "HTTP request trailer section size",
	types.ErrorCodeHttpRequestTrailerSize:         "HTTP request trailer size",
	types.ErrorCodeHttpResponseIncomplete:         "HTTP response incomplete",
	types.ErrorCodeHttpResponseHeaderSectionSize:  "HTTP response header section size",
	types.ErrorCodeHttpResponseHeaderSize:         "HTTP response header size",
	types.ErrorCodeHttpResponseBodySize:           "HTTP response body size",
	types.ErrorCodeHttpResponseTrailerSectionSize: "HTTP response trailer section size",
	types.ErrorCodeHttpResponseTrailerSize:        "HTTP response trailer size",
	types.ErrorCodeHttpResponseTransferCoding:     "HTTP response transfer coding",
	types.ErrorCodeHttpResponseContentCoding:      "HTTP response content coding",
	types.ErrorCodeHttpResponseTimeout:            "HTTP response timeout",
	types.ErrorCodeHttpUpgradeFailed:              "HTTP upgrade failed",
	types.ErrorCodeHttpProtocolError:              "HTTP protocol error",
	types.ErrorCodeLoopDetected:                   "loop detected",
	types.ErrorCodeConfigurationError:             "configuration error",
	types.ErrorCodeInternalError:                  "internal error",
}

func requestError(code types.ErrorCode) error {
	if code.Tag() == types.ErrorCodeInternalError {
		return errors.New("internal error: " + code.InternalError().SomeOr("unknown"))
	}
	return errors.New(errorNames[code.Tag()])
}
