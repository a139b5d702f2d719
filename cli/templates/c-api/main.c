#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api_function.h"

static void respond(exports_lambda_function_api_response_t *response, int status, const char *text) {
  exports_lambda_function_api_pair_t *header = malloc(sizeof *header);
  api_function_string_dup(&header->f0, "content-type");
  api_function_string_dup(&header->f1, "text/plain");
  api_function_string_t body;
  api_function_string_dup(&body, text);
  *response = (exports_lambda_function_api_response_t){
      .status_code = status,
      .headers = {header, 1},
      .body = {body.ptr, body.len},
  };
}

// Returns true with a response, which is freed when it was sent, or false with a failure.
bool exports_lambda_function_api_handle(exports_lambda_function_api_request_t *request,
                                        exports_lambda_function_api_context_t *context,
                                        exports_lambda_function_api_response_t *response,
                                        exports_lambda_function_api_failure_t *failure) {
  int length = request->path.len;
  const char *path = (const char *)request->path.ptr;
  const char hello[] = "/hello/";
  int prefix = strlen(hello);

  if (length == 1) {
    respond(response, 200, "Hello, world!\n");
  } else if (length > prefix && strncmp(path, hello, prefix) == 0) {
    char text[256];
    snprintf(text, sizeof text, "Hello, %.*s!\n", length - prefix, path + prefix);
    respond(response, 200, text);
  } else {
    respond(response, 404, "not found\n");
  }

  exports_lambda_function_api_request_free(request);
  exports_lambda_function_api_context_free(context);
  return true;
}
