//! The responses of APIs to clients that may not send a request.

use axum::body::Body;
use axum::http::{Response, StatusCode};

use super::{message, set, status};
use crate::Api;

/// Returns the response if the request does not have what an authorizer needs.
pub(super) fn unauthorized(api: Api) -> Response<Body> {
    let mut response = message(StatusCode::UNAUTHORIZED, "Unauthorized");
    if api == Api::Rest {
        set(&mut response, "x-amzn-errortype", "UnauthorizedException");
    }
    response
}

/// Returns the response to a client that is not allowed, with the words of
/// <https://repost.aws/knowledge-center/api-gateway-403-error-lambda-authorizer> for REST APIs.
pub(super) fn forbidden(api: Api, is_denied: bool) -> Response<Body> {
    let code = StatusCode::FORBIDDEN;
    if api == Api::Http {
        return message(code, "Forbidden");
    }
    let mut response = message(
        code,
        match is_denied {
            true => "User is not authorized to access this resource with an explicit deny",
            false => "User is not authorized to access this resource",
        },
    );
    set(&mut response, "x-amzn-errortype", "AccessDeniedException");
    response
}

/// Returns the response if an authorizer has failed or its response is malformed. AWS's pages do not have the body of REST APIs:
/// users report it, as in <https://github.com/auth0-samples/jwt-rsa-aws-custom-authorizer/pull/6>.
pub(super) fn failed(api: Api) -> Response<Body> {
    let code = StatusCode::INTERNAL_SERVER_ERROR;
    if api == Api::Http {
        return message(code, "Internal Server Error");
    }
    let mut response = status(code);
    *response.body_mut() = Body::from(r#"{"message":null}"#);
    set(&mut response, "content-type", "application/json");
    set(
        &mut response,
        "x-amzn-errortype",
        "AuthorizerConfigurationException",
    );
    response
}

/// Returns the response to a request that has to be signed. A REST API has its default for `MISSING_AUTHENTICATION_TOKEN`: "Gateway
/// response types" in <https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html>.
pub(super) fn unsigned(api: Api) -> Response<Body> {
    let code = StatusCode::FORBIDDEN;
    if api == Api::Http {
        return message(code, "Forbidden");
    }
    let mut response = message(code, "Missing Authentication Token");
    set(
        &mut response,
        "x-amzn-errortype",
        "MissingAuthenticationTokenException",
    );
    response
}
