//! The samples of load balancers and of Lattice, each whole.

use insta::assert_snapshot;
use lambda_wasm_test_support::aws_events::sample;

use super::*;

#[test]
fn of_a_load_balancer() {
    assert_snapshot!(shown(&sample("alb-lambda-target-request-headers-only")), @r#"
    Alb: GET http://lambda-test-alb-1334523864.us-east-1.elb.amazonaws.com/?key=hello
    path: /
    source ip: 25.12.198.67
    user agent: curl/7.54.0
    query parameter key: hello
    header accept: */*
    header connection: keep-alive
    header host: lambda-test-alb-1334523864.us-east-1.elb.amazonaws.com
    header user-agent: curl/7.54.0
    header x-amzn-trace-id: Root=1-5c34e93e-4dea0086f9763ac0667b115a
    header x-forwarded-for: 25.12.198.67
    header x-forwarded-port: 80
    header x-forwarded-proto: http
    header x-imforwards: 20
    header x-myheader: 123
    body: ""
    "#);
}

#[test]
fn of_a_load_balancer_with_multi_value_headers() {
    assert_snapshot!(shown(&sample("alb-lambda-target-request-multivalue-headers")), @r#"
    AlbMultiValue: GET http://lambda-test-alb-1234567.us-east-1.elb.amazonaws.com/?key=hello
    path: /
    source ip: 72.21.198.67
    user agent: curl/7.54.0
    query parameter key: hello
    header accept: */*
    header connection: keep-alive
    header host: lambda-test-alb-1234567.us-east-1.elb.amazonaws.com
    header user-agent: curl/7.54.0
    header x-amzn-trace-id: Root=1-5c34e7d4-00ca239424b68028d4c56d68
    header x-forwarded-for: 72.21.198.67
    header x-forwarded-port: 80
    header x-forwarded-proto: http
    header x-imforwards: 20
    header x-myheader: 123
    body: "Some text"
    "#);
}

#[test]
fn of_lattice() {
    assert_snapshot!(shown(&sample("vpc-lattice-v2-request")), @r#"
    Lattice: GET https://(nobody)/health?state=prod&multi=a&multi=DEF&multi=g
    path: /health
    source ip: 10.0.2.100
    user agent: curl/7.68.0
    query parameter state: prod
    query parameter multi: a
    query parameter multi: DEF
    query parameter multi: g
    header accept: */*
    header user-agent: curl/7.68.0
    header x-forwarded-for: 10.0.2.100
    header multi: x
    header multi: y
    identity caller: "arn:aws:iam::123456789012:role/service-role/HealthChecker"
    identity principal-org-id: "o-50dc6c495c0c9188"
    identity source-vpc: "vpc-0b8276c84697e7339"
    body: ""
    "#);
}

#[test]
fn of_lattice_with_bytes() {
    assert_snapshot!(shown(&sample("vpc-lattice-v2-request-base64")), @r#"
    Lattice: POST https://(nobody)/api/files/upload?uploadType=profile-image
    path: /api/files/upload
    source ip: 10.0.1.45
    query parameter uploadType: profile-image
    header content-type: multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW
    header content-encoding: gzip
    header content-length: 51
    header x-forwarded-for: 10.0.1.45
    identity caller: "arn:aws:iam::123456789012:user/john.developer"
    identity principal-org-id: "o-50dc6c495c0c9188"
    identity source-vpc: "vpc-0b8276c84697e7339"
    body: "\u{1f}�\u{8}\0\0\0\0\0\0\u{3}��1\u{1}\0\0\0\u{a0}�Om\u{c}\u{1f}�\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0��\u{1}��T�\0@\0\0"
    "#);
}

#[test]
fn of_lattice_with_roles_anywhere() {
    assert_snapshot!(shown(&sample("vpc-lattice-v2-request-roles-anywhere")), @r#"
    Lattice: POST https://(nobody)/api/external/data-sync?sync-type=incremental&validate=true
    path: /api/external/data-sync
    source ip: 203.45.67.89
    user agent: ExternalDataSync/2.1.0
    query parameter sync-type: incremental
    query parameter validate: true
    header content-type: application/json
    header user-agent: ExternalDataSync/2.1.0
    header x-forwarded-for: 203.45.67.89
    header x-client-cert: present
    header authorization: X509-Cert
    identity caller: "arn:aws:iam::123456789012:role/ExternalPartnerAccessRole"
    identity principal-org-id: "o-50dc6c495c0c9188"
    identity source-vpc: "vpc-0b8276c84697e7339"
    body: "{\"timestamp\": \"2025-08-28T14:30:00Z\", \"records\": [{\"id\": \"ext-001\", \"data\": \"sample-data\"}], \"source\": \"external-partner-system\"}"
    "#);
}

#[test]
fn of_lattice_with_events_of_version_1() {
    assert_snapshot!(shown(&sample("vpc-lattice-v1-request")), @r#"
    Lattice: POST https://(nobody)/api/product?category=electronics&sort=price&limit=10&tags=tv
    path: /api/product
    source ip: 10.0.2.100
    user agent: curl/7.68.0
    query parameter category: electronics
    query parameter sort: price
    query parameter limit: 10
    query parameter tags: tv
    header accept: */*
    header user-agent: curl/7.68.0
    header x-forwarded-for: 10.0.2.100
    header authorization: Bearer abc123def456
    header multi: abcd, DEF
    body: "{\"id\": 5, \"description\": \"TV\"}"
    "#);
}
