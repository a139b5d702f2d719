package export_lambda_function_handler

import (
	types "lambda-wasm.internal/function/bindings/lambda_function_types"
	wit "lambda-wasm.internal/function/wit/types"
)

// Function handles each event. The package function sets it.
var Function func(event []byte, context types.Context) ([]byte, *types.Failure)

// Handle is the function that the component exports.
func Handle(event []byte, context types.Context) wit.Result[[]byte, types.Failure] {
	response, failure := Function(event, context)
	if failure != nil {
		return wit.Err[[]byte](*failure)
	}
	return wit.Ok[[]byte, types.Failure](response)
}
