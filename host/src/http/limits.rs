//! How large a response each event source takes. Lambda's own limit holds for all of them.

use super::Source;
use crate::failure::Failure;
use crate::responder::{LARGEST_RESPONSE, too_large};

/// The largest response that an event source takes.
pub struct Limit {
    /// Its JSON, in bytes.
    pub largest: usize,
    /// The event source, where the limit is its own and not Lambda's.
    source: Option<&'static str>,
    /// Whether text may be sent as base64, if it fits only so.
    pub text_as_base64: bool,
}

const MIB: usize = 1024 * 1024;

impl Limit {
    /// Lambda's, where the event source takes as much. API Gateway takes 10 MB:
    /// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>. Function URLs have Lambda's:
    /// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>.
    pub const LAMBDA: Self = Self {
        largest: LARGEST_RESPONSE,
        source: None,
        text_as_base64: true,
    };

    /// REST APIs undo base64 only for their binary media types, which the event does not say; the client would get base64:
    /// <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-payload-encodings-workflow.html>.
    const REST_API: Self = Self {
        text_as_base64: false,
        ..Self::LAMBDA
    };

    /// WebSocket APIs pass text on:
    /// <https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-develop-binary-media-types.html>.
    const WEB_SOCKET: Self = Self::REST_API;

    /// "The maximum size of the response JSON that the Lambda function can send is 1 MB":
    /// <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html>.
    const ALB: Self = Self {
        largest: MIB,
        source: Some("an Application Load Balancer takes at most 1 MB"),
        text_as_base64: true,
    };

    /// "The maximum size of the response JSON that the Lambda function can send is 6 MB":
    /// <https://docs.aws.amazon.com/vpc-lattice/latest/ug/lambda-functions.html>.
    const LATTICE: Self = Self {
        largest: 6 * MIB,
        source: Some("VPC Lattice takes at most 6 MB"),
        text_as_base64: true,
    };

    /// The failure that a response of `size` bytes becomes, with a hint what to do.
    pub fn too_large(&self, size: usize) -> Failure {
        let mut failure = self.exceeded(size);
        failure.error_message += match self.source {
            None => {
                "\nhint: set `stream = true` in the policy and have the event source stream, or set `compress = true`, for clients that accept gzip"
            }
            Some(_) => {
                "\nhint: return less, or a link to the rest, or set `compress = true` in the policy, for clients that accept gzip"
            }
        };
        failure
    }

    /// The failure that a response of `size` bytes becomes, without a hint.
    pub fn exceeded(&self, size: usize) -> Failure {
        let Some(source) = self.source else {
            return too_large(size);
        };
        Failure::new(
            "Function.ResponseSizeTooLarge",
            format!(
                "Response payload size ({size} bytes) exceeded maximum allowed payload size ({} bytes): {source} of JSON from a function.",
                self.largest
            ),
        )
    }
}

impl Source {
    /// How large a response may be.
    pub(super) fn limit(self) -> &'static Limit {
        match self {
            Self::RestApi => &Limit::REST_API,
            Self::HttpApiPayload1 | Self::HttpApi | Self::FunctionUrl => &Limit::LAMBDA,
            Self::Alb { .. } => &Limit::ALB,
            Self::Lattice => &Limit::LATTICE,
            Self::WebSocket => &Limit::WEB_SOCKET,
        }
    }
}
