//! A component that others made, with events of all event sources.

use insta::assert_snapshot;
use lambda_wasm_test_support::{Deployment, aws_events::sample, oci_wasm_component};

#[test]
fn a_third_party_component_answers_every_event_source() {
    let component = std::fs::read(oci_wasm_component()).unwrap();
    let host = Deployment::of_component(&component).start();
    let answer = |event: String| host.invoke(event).response().text();
    assert_snapshot!(answer(sample("apigw-request")), @r#"{"statusCode":200,"headers":{},"body":"Hello from Rust!\n","isBase64Encoded":false}"#);
    assert_snapshot!(answer(sample("apigw-v2-request-no-authorizer")), @r#"{"statusCode":200,"headers":{},"cookies":[],"body":"Hello from Rust!\n","isBase64Encoded":false}"#);
    assert_snapshot!(answer(super::event("GET", "/any?a=1", "")), @r#"{"statusCode":200,"headers":{},"cookies":[],"body":"Hello from Rust!\n","isBase64Encoded":false}"#);
    assert_snapshot!(answer(sample("alb-lambda-target-request-headers-only")), @r#"{"statusCode":200,"statusDescription":"200 OK","headers":{},"body":"Hello from Rust!\n","isBase64Encoded":false}"#);
    assert_snapshot!(answer(sample("alb-lambda-target-request-multivalue-headers")), @r#"{"statusCode":200,"statusDescription":"200 OK","multiValueHeaders":{},"body":"Hello from Rust!\n","isBase64Encoded":false}"#);
    assert_snapshot!(answer(sample("vpc-lattice-v1-request")), @r#"{"statusCode":200,"headers":{},"body":"Hello from Rust!\n","isBase64Encoded":false}"#);
    assert_snapshot!(answer(sample("vpc-lattice-v2-request")), @r#"{"statusCode":200,"headers":{},"body":"Hello from Rust!\n","isBase64Encoded":false}"#);
    host.finish();
}
