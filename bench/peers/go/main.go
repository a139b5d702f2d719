// The loop of a Lambda runtime on net/http, as aws-lambda-go has it, and a handler that greets the path's name.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
)

type event struct {
	RawPath string `json:"rawPath"`
}

type response struct {
	StatusCode int               `json:"statusCode"`
	Headers    map[string]string `json:"headers"`
	Body       string            `json:"body"`
}

func handle(payload []byte) ([]byte, error) {
	var request event
	if err := json.Unmarshal(payload, &request); err != nil {
		return nil, err
	}
	name := strings.TrimPrefix(request.RawPath, "/hello/")
	return json.Marshal(response{
		StatusCode: 200,
		Headers:    map[string]string{"Content-Type": "text/plain"},
		Body:       fmt.Sprintf("Hello, %s!\n", name),
	})
}

func main() {
	runtime := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/invocation/"
	for {
		next, err := http.Get(runtime + "next")
		if err != nil {
			log.Fatal(err)
		}
		payload, err := io.ReadAll(next.Body)
		next.Body.Close()
		if err != nil {
			log.Fatal(err)
		}
		body, err := handle(payload)
		if err != nil {
			log.Fatal(err)
		}
		id := next.Header.Get("Lambda-Runtime-Aws-Request-Id")
		answer, err := http.Post(runtime+id+"/response", "application/json", bytes.NewReader(body))
		if err != nil {
			log.Fatal(err)
		}
		// To its end, so that the connection is kept.
		_, _ = io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
	}
}
