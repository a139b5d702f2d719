//! Headers that event sources set or replace, so that functions believe them. A client cannot have one removed by naming it in
//! `Connection`, which is the client's word.

/// The headers, in lower case. A name that ends with `-` stands for all that begin with it.
///
/// They are the same for every source: one may stand behind another, such as an API behind CloudFront.
const HEADERS: &[&str] = &[
    // <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/x-forwarded-headers.html>
    "x-forwarded-",
    // <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-parameter-mapping.html>, RFC 7239
    "forwarded",
    // `x-amzn-trace-id`:
    // <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-request-tracing.html>
    // `x-amzn-oidc-`:
    // <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-authenticate-users.html>
    // `x-amzn-mtls-`:
    // <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/header-modification.html>
    // `x-amzn-tls-`:
    // <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html>
    // `x-amzn-waf-`:
    // <https://docs.aws.amazon.com/waf/latest/developerguide/customizing-the-incoming-request.html>
    // `x-amzn-lattice-`:
    // <https://docs.aws.amazon.com/vpc-lattice/latest/ug/http-listeners.html>
    "x-amzn-",
    // `x-amz-cf-id`:
    // <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/RequestAndResponseBehaviorCustomOrigin.html>
    // `x-amz-date`, `x-amz-security-token`, with which a request is signed:
    // <https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html>
    "x-amz-",
    // <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/adding-cloudfront-headers.html>
    "cloudfront-",
    // <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/RequestAndResponseBehaviorCustomOrigin.html>
    "via",
    // <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-key-source.html>
    "x-api-key",
    "x-apigateway-",
    // What an authorizer has looked at:
    // <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html>
    "authorization",
    // RFC 9110, 7.6.1: fields for all recipients are not of the connection.
    "host",
    "content-length",
    "content-type",
    "content-encoding",
];

/// Whether a header is one that event sources vouch for.
pub fn is_vouched_for(name: &str) -> bool {
    HEADERS.iter().any(|header| {
        let length = if header.ends_with('-') {
            header.len()
        } else {
            name.len()
        };
        name.get(..length)
            .is_some_and(|start| start.eq_ignore_ascii_case(header))
    })
}
