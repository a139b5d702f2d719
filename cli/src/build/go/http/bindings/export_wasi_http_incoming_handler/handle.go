package export_wasi_http_incoming_handler

import types "lambda-wasm.internal/function/bindings/wasi_http_types"

// Function handles each request. The package function sets it.
var Function func(request *types.IncomingRequest, response *types.ResponseOutparam)

// Handle is the function that the component exports.
func Handle(request *types.IncomingRequest, response *types.ResponseOutparam) {
	Function(request, response)
}
