package main

import (
	"fmt"
	"net/http"

	"lambda-wasm.internal/function"
)

func init() {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(response http.ResponseWriter, request *http.Request) {
		fmt.Fprintln(response, "Hello, world!")
	})
	mux.HandleFunc("GET /hello/{name}", func(response http.ResponseWriter, request *http.Request) {
		fmt.Fprintf(response, "Hello, %s!\n", request.PathValue("name"))
	})
	function.Serve(mux)
}

func main() {}
