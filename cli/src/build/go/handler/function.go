// Package function handles the events of a Lambda function. `lambda-wasm build` writes it: edits are lost.
package function

import (
	"errors"
	"reflect"

	handler "lambda-wasm.internal/function/bindings/export_lambda_function_handler"
	types "lambda-wasm.internal/function/bindings/lambda_function_types"
	_ "lambda-wasm.internal/function/bindings/wit_exports"
)

// Context describes the invocation and its function.
type Context = types.Context

// Failure is an error that the caller receives with this type and message.
type Failure struct {
	// Type is a short stable name to match on, such as OrderNotFound.
	Type string
	// Message is the text for people.
	Message string
}

func (failure *Failure) Error() string {
	return failure.Type + ": " + failure.Message
}

// Handle registers the handler of all events. Call it in init, since main does not run.
//
// The event is JSON, and so is the response. An error that is not a *Failure is reported with the name of its Go type.
func Handle(handle func(event []byte, context Context) ([]byte, error)) {
	handler.Function = func(event []byte, context Context) ([]byte, *types.Failure) {
		response, err := handle(event, context)
		if err == nil {
			return response, nil
		}
		var failure *Failure
		if errors.As(err, &failure) {
			return nil, &types.Failure{ErrorType: failure.Type, ErrorMessage: failure.Message}
		}
		return nil, &types.Failure{ErrorType: typeName(err), ErrorMessage: err.Error()}
	}
}

func typeName(err error) string {
	kind := reflect.TypeOf(err)
	if kind.Kind() == reflect.Pointer {
		kind = kind.Elem()
	}
	return kind.Name()
}
