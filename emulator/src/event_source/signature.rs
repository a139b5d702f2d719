//! Signed requests (`AWS_IAM`): <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html>.
//!
//! The signatures are not checked: the secret of a key is not known here.

use axum::http::header;
use axum::http::request::Parts;
use serde_json::{Value, json};

use super::Functions;
use super::arrival::{Arrival, query, text};
use super::noted::Noted;
use crate::account::ACCOUNT;

/// The note about the first request that is signed.
const UNCHECKED: &str = "the signatures of requests are not checked here (AWS_IAM), nor the permissions of their signers";

/// The note about the first request that is not.
const REFUSED: &str = "requests without a signature are refused (AWS_IAM)\nhint: sign them with any key, as with `curl --aws-sigv4 aws:amz:us-east-1:lambda --user key:secret`";

/// Returns the signer of a request to a function that takes only signed requests, and reports the first of either kind.
pub(super) fn check<F: Functions>(
    functions: &F,
    noted: &Noted,
    function: &str,
    arrival: &Arrival,
    parts: &Parts,
) -> Option<Signer> {
    let signer = Signer::of(parts);
    let note = match signer {
        Some(_) => UNCHECKED,
        None => REFUSED,
    };
    if noted.is_first(function, note) {
        functions.note(function, &arrival.request_id, note);
    }
    signer
}

/// The signer of a request. Only its key is known.
pub(super) struct Signer {
    access_key: String,
}

impl Signer {
    /// Returns the signer of a request, by its header or its query.
    fn of(parts: &Parts) -> Option<Self> {
        let header = text(&parts.headers, header::AUTHORIZATION);
        let credential = match header.filter(|value| is_signature(value)) {
            Some(value) => {
                let (_, rest) = value.split_once("Credential=")?;
                rest.to_owned()
            }
            None => {
                let queries = query(parts.uri.query().unwrap_or_default());
                queries.get("X-Amz-Signature")?;
                queries.get("X-Amz-Credential")?.first()?.clone()
            }
        };
        let (access_key, _) = credential.split_once('/')?;
        Some(Self {
            access_key: access_key.to_owned(),
        })
    }

    /// Returns the `authorizer` of an event in payload format 2.0: "Request payload format" in
    /// <https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html>. HTTP APIs have it in the same form.
    pub fn authorizer(&self) -> Value {
        json!({
            "iam": {
                "accessKey": self.access_key,
                "accountId": ACCOUNT,
                "callerId": USER_ID,
                "cognitoIdentity": null,
                "principalOrgId": null,
                "userArn": user_arn(),
                "userId": USER_ID,
            },
        })
    }

    /// Adds the signer to the `identity` of an event in payload format 1.0: "Input format of a Lambda function for proxy
    /// integration" in the API Gateway guide.
    pub fn add_to_identity(&self, identity: &mut Value) {
        identity["accessKey"] = json!(self.access_key);
        identity["accountId"] = json!(ACCOUNT);
        identity["caller"] = json!(USER_ID);
        identity["user"] = json!(USER_ID);
        identity["userArn"] = json!(user_arn());
    }
}

/// The user of all keys here.
const USER_ID: &str = "AIDALOCAL00000000000";

fn user_arn() -> String {
    format!("arn:aws:iam::{ACCOUNT}:user/local")
}

/// Removes the signature from an event of a REST API: "The Authorization header is dropped if it contains a Signature Version 4
/// signature" in
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html#api-gateway-known-issues-rest-apis>.
pub(super) fn remove_from(event: &mut Value) {
    const NAME: &str = "Authorization";
    if event["headers"][NAME].as_str().is_some_and(is_signature) {
        for map in ["headers", "multiValueHeaders"] {
            if let Some(headers) = event[map].as_object_mut() {
                headers.remove(NAME);
            }
        }
    }
}

/// Returns whether the value of an `Authorization` header is a signature: Signature Version 4, or 4A.
fn is_signature(value: &str) -> bool {
    value.starts_with("AWS4-HMAC-SHA256 ") || value.starts_with("AWS4-ECDSA-P256-SHA256 ")
}
