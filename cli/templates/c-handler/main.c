#include <stdio.h>

#include "handler_function.h"

// Returns true with a response, which is freed when it was sent, or false with a failure.
bool exports_lambda_function_handler_handle(handler_function_list_u8_t *event,
                                            exports_lambda_function_handler_context_t *context,
                                            handler_function_list_u8_t *response,
                                            exports_lambda_function_handler_failure_t *failure) {
  handler_function_string_t id = context->request_id;
  fprintf(stderr, "%.*s got an event\n", (int)id.len, (const char *)id.ptr);

  char text[64];
  int length = snprintf(text, sizeof text, "{\"bytes\":%zu}", event->len);
  handler_function_string_t json;
  handler_function_string_dup_n(&json, text, length);
  response->ptr = json.ptr;
  response->len = json.len;

  handler_function_list_u8_free(event);
  exports_lambda_function_handler_context_free(context);
  return true;
}
