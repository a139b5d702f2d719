package main

import (
	"encoding/json"
	"fmt"

	"lambda-wasm.internal/function"
)

func init() {
	function.Handle(handle)
}

func main() {}

func handle(event []byte, context function.Context) ([]byte, error) {
	var parsed struct {
		Records []json.RawMessage
	}
	if err := json.Unmarshal(event, &parsed); err != nil {
		return nil, &function.Failure{Type: "InvalidEvent", Message: err.Error()}
	}
	fmt.Println(context.RequestId, "got an event")
	return json.Marshal(map[string]int{"records": len(parsed.Records)})
}
