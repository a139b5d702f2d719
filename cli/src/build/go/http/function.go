// Package function serves the HTTP requests of a Lambda function. `lambda-wasm build` writes it: edits are lost.
package function

import (
	"net/http"

	handler "lambda-wasm.internal/function/bindings/export_wasi_http_incoming_handler"
	types "lambda-wasm.internal/function/bindings/wasi_http_types"
	_ "lambda-wasm.internal/function/bindings/wit_exports"
)

// Serve registers the handler of all requests. Call it in init, since main does not run.
func Serve(serve http.Handler) {
	handler.Function = func(incoming *types.IncomingRequest, out *types.ResponseOutparam) {
		writer := newResponseWriter(out)
		request, err := newRequest(incoming)
		if err != nil {
			http.Error(writer, err.Error(), http.StatusBadRequest)
			writer.finish()
			return
		}
		serve.ServeHTTP(writer, request)
		writer.finish()
		request.Body.Close()
	}
}
