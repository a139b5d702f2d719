#include <stdio.h>
#include <string.h>

#include "proxy.h"

// Sends a text of at most 4096 bytes.
static void respond(wasi_http_types_own_response_outparam_t out, int status, char *text) {
  wasi_http_types_own_fields_t headers = wasi_http_types_constructor_fields();
  proxy_string_t name, type;
  proxy_string_set(&name, "content-type");
  proxy_string_set(&type, "text/plain");
  wasi_http_types_field_value_t value = {type.ptr, type.len};
  wasi_http_types_header_error_t header_error;
  wasi_http_types_method_fields_append(wasi_http_types_borrow_fields(headers), &name, &value, &header_error);

  wasi_http_types_own_outgoing_response_t response = wasi_http_types_constructor_outgoing_response(headers);
  wasi_http_types_borrow_outgoing_response_t borrowed = wasi_http_types_borrow_outgoing_response(response);
  wasi_http_types_method_outgoing_response_set_status_code(borrowed, status);
  wasi_http_types_own_outgoing_body_t body;
  wasi_http_types_method_outgoing_response_body(borrowed, &body);
  wasi_http_types_result_own_outgoing_response_error_code_t result = {.is_err = false, .val.ok = response};
  wasi_http_types_static_response_outparam_set(out, &result);

  wasi_http_types_own_output_stream_t stream;
  wasi_http_types_method_outgoing_body_write(wasi_http_types_borrow_outgoing_body(body), &stream);
  proxy_list_u8_t bytes = {(uint8_t *)text, strlen(text)};
  wasi_io_streams_stream_error_t stream_error;
  wasi_io_streams_method_output_stream_blocking_write_and_flush(wasi_io_streams_borrow_output_stream(stream), &bytes,
                                                                &stream_error);
  wasi_io_streams_output_stream_drop_own(stream);
  wasi_http_types_error_code_t error;
  wasi_http_types_static_outgoing_body_finish(body, NULL, &error);
}

void exports_wasi_http_incoming_handler_handle(wasi_http_types_own_incoming_request_t request,
                                               wasi_http_types_own_response_outparam_t out) {
  char path[256] = "/";
  proxy_string_t target;
  if (wasi_http_types_method_incoming_request_path_with_query(wasi_http_types_borrow_incoming_request(request),
                                                              &target)) {
    snprintf(path, sizeof path, "%.*s", (int)target.len, (const char *)target.ptr);
    path[strcspn(path, "?")] = '\0';
    proxy_string_free(&target);
  }
  wasi_http_types_incoming_request_drop_own(request);

  const char hello[] = "/hello/";
  size_t prefix = strlen(hello);
  if (strcmp(path, "/") == 0) {
    respond(out, 200, "Hello, world!\n");
  } else if (strncmp(path, hello, prefix) == 0 && path[prefix] != '\0') {
    char text[512];
    snprintf(text, sizeof text, "Hello, %s!\n", path + prefix);
    respond(out, 200, text);
  } else {
    respond(out, 404, "not found\n");
  }
}
