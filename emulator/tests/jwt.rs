//! The JWT authorizers of HTTP APIs.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "support/served.rs"]
mod served;

use std::io::{Read, Write};
use std::net::TcpListener;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use served::{Reply, Served};

/// The address of the issuer, which the tokens name.
const ISSUER: &str = "127.83.12.7:47113";

/// A token of the issuer, until the year 2100.
const GOOD: &str = "eyJhbGciOiAiUlMyNTYiLCAia2lkIjogIm9uZSJ9.eyJpc3MiOiAiaHR0cDovLzEyNy44My4xMi43OjQ3MTEzIiwgImF1ZCI6ICJvcmRlcnMiLCAic3ViIjogIm1lIiwgImV4cCI6IDQxMDI0NDQ4MDAsICJpYXQiOiAxNzAwMDAwMDAwLCAic2NvcGUiOiAicmVhZCB3cml0ZSIsICJncm91cHMiOiBbImEiLCAiYiJdLCAib2siOiB0cnVlLCAibm9uZSI6IG51bGx9.bLt3pc1pSAYK7SugmTx0Lh4XUeDm6l1YP3oMW0sQaVSAyVGMOMd5dpDrkY_bTDBBpkPvxW-wV8VDU5ijVPU4oVJg9gaKYhFOTlUE51TnSY5jvuoTCefz1Xz_mUHbSQbuQkypB4zf0mQ00k0247vKtDDoLuLWO6ug1AItNnPIhBrtKrCzZ9zpKO5-zMTtbOdsELECxyq3jNeg6OqQHbHMPS-GUhgkW-28Q67MRfwQpGDiCZ5MFo2v6YmIabgE_yrpoMGom29EycOjWpTU16q8jIJ7m7no19R1zX3rdVw9BTQ7BHgCsdZ5k81ZOt0NGkDt6yza1m3VtLKu-b61hP54yg";

/// The same token, which has expired.
const EXPIRED: &str = "eyJhbGciOiAiUlMyNTYiLCAia2lkIjogIm9uZSJ9.eyJpc3MiOiAiaHR0cDovLzEyNy44My4xMi43OjQ3MTEzIiwgImF1ZCI6ICJvcmRlcnMiLCAic3ViIjogIm1lIiwgImV4cCI6IDE3MDAwMDAwMDEsICJpYXQiOiAxNzAwMDAwMDAwLCAic2NvcGUiOiAicmVhZCB3cml0ZSIsICJncm91cHMiOiBbImEiLCAiYiJdLCAib2siOiB0cnVlLCAibm9uZSI6IG51bGx9.iVLDBUh2Z9cO6uHHeLLondOZPSE21i7xGa1d6TV7SM3fI3mElwAatEQAQ2jDSzXBmUAi7lDl50aLuNvVzhUmc5rawv3GRbaWdXtPifyER5hgYmHTRjENxU69NtkGe1h7sz4xvHICvr97aIVVFToLUJr1h9bveEwVu2LEvkIbTnAaBXsgK78QmMhc8PHiS-Key4_8H73f2Ok3vRj65zEQ2ey6QjYiBGxGQC04nLcSetwkdBo_y8jPdtwCOlI-YZeZpnJaRsLkT-4K7teNyhR8no6G1DDa4sjMNfg4AwX5E3_SA0d2XbXytNs9DwFcdCoAJzSlTSucSg0iusNlyVl2eg";

/// The same token, for another audience.
const ELSEWHERE: &str = "eyJhbGciOiAiUlMyNTYiLCAia2lkIjogIm9uZSJ9.eyJpc3MiOiAiaHR0cDovLzEyNy44My4xMi43OjQ3MTEzIiwgImF1ZCI6ICJvdGhlciIsICJzdWIiOiAibWUiLCAiZXhwIjogNDEwMjQ0NDgwMCwgImlhdCI6IDE3MDAwMDAwMDAsICJzY29wZSI6ICJyZWFkIHdyaXRlIiwgImdyb3VwcyI6IFsiYSIsICJiIl0sICJvayI6IHRydWUsICJub25lIjogbnVsbH0.aCgZqT2bwqKC8MFeWbJV_s4Ms1Y5WbDm07WIaqQpcKLb-rKbd6ON_aUcaafGbYD92fUHxm9au-m8xgdkK8nJ_O-PCeBbxTZp9sCmojf-xXN1M_LiLGnhclbp57cGxpHU4kbI-cS-jfqHiQxb4Odbj_3bb25sL6KD2IrUVhXISnS77klaDryajh-CVrXb92s5JwRs0K-hKOICUETE-M_hlldjJM07xowQRHuQ7Puymm4SdQ6eiwXzoPAHt6eY9wjBEuE7Wid066ZmgAZwLylZ3eo5sJwiNoAqqI4ckGeKs_K35LYzY5QYV28abbdx9N49_3Xkqubh7nQGcumWK_vcgQ";

/// The same token, with the id of a key that the issuer does not have.
const OTHER_KEY: &str = "eyJhbGciOiAiUlMyNTYiLCAia2lkIjogInR3byJ9.eyJpc3MiOiAiaHR0cDovLzEyNy44My4xMi43OjQ3MTEzIiwgImF1ZCI6ICJvcmRlcnMiLCAic3ViIjogIm1lIiwgImV4cCI6IDQxMDI0NDQ4MDAsICJpYXQiOiAxNzAwMDAwMDAwLCAic2NvcGUiOiAicmVhZCB3cml0ZSIsICJncm91cHMiOiBbImEiLCAiYiJdLCAib2siOiB0cnVlLCAibm9uZSI6IG51bGx9.J9NAq9ZejqQa1NTn7VX5PtBVI-IFyPSoJme_kcfg1X5LBxr7Nv6vnAXhX-EJqR-o-dmx4XxudtAXRoyRsTe0EbNlYnjfnnZUE0Feg32-aSFZiuNT7mFfPhLfx1NumduKWlGSwAJqJz5s_QGFBY6I9ni-m4UZhKuzp_ppqUPp1n4Ti2EEV4cp2CrQGRgGdicFD5RRDmgi4lM-rUQxvhar0PN-K7D-e2dIBpKhtzjTFvL6b2zdCLfbGN-AeDjDMPE9nc7rpY4Rs1D_sqZMcyBCvDKe3xvaV3p1MA4YnlGPiRocviP7cBT2hrAzWH9-U9z7dBlgKDr7-1hBZFHwEhcONA";

/// The public key of the issuer.
const MODULUS: &str = "n5WNnjUJJkvllFthyJRHSSUf7lCZHgXEuz878I5gKbiGotFxJTEvfLxfYR-Lnv294_0ocUr0fsqSD3JxKy7MKZlMNss72CEfILIokSloIVEedgbWs91c9bIBfZ8ZYQVPExQP-24FYWR8VQHogSxKxP0Ndml6vig4uwiUbF0_X68Z2GwMtS9h3rhBcDoLCqFJIPe5YgNlJV0QEqwdP8X5-F8rSS8EYmIH-FBv3gSE3wzsIXClc7FMipaazb1XqgWKZwvfUzcsBl5GuMhJnNKX_kzsljDVgdkepkKUQpmP_xy0lwOmZf7YRGHNsAv6cJbuKlOD8yH0KSvdMNtKrrCqgQ";

/// A template with an authorizer for this issuer.
fn template(issuer: &str) -> String {
    format!(
        r#"
Globals:
  HttpApi:
    Auth:
      DefaultAuthorizer: Tokens
      Authorizers:
        Tokens:
          IdentitySource: $request.header.Authorization
          JwtConfiguration: {{ issuer: "{issuer}", audience: [orders] }}
          AuthorizationScopes: [read, other]
        Query:
          IdentitySource: $request.querystring.token
          JwtConfiguration: {{ Issuer: "{issuer}", Audience: [orders] }}
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties:
      Handler: f
      Events:
        Read: {{ Type: HttpApi, Properties: {{ Path: /read, Method: get }} }}
        Write:
          Type: HttpApi
          Properties: {{ Path: /write, Method: get, Auth: {{ AuthorizationScopes: [admin] }} }}
        Query:
          Type: HttpApi
          Properties: {{ Path: /query, Method: get, Auth: {{ Authorizer: Query }} }}
        Old:
          Type: HttpApi
          Properties: {{ Path: /old, Method: get, PayloadFormatVersion: "1.0" }}
        Open:
          Type: HttpApi
          Properties: {{ Path: /open, Method: get, Auth: {{ Authorizer: NONE }} }}
"#
    )
}

fn respond(_function: &str, _event: &Value) -> Reply {
    json!({ "statusCode": 200 }).into()
}

/// Answers the requests for the issuer's document and its keys.
fn issue(listener: TcpListener) {
    for stream in listener.incoming() {
        let mut stream = stream.unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            request.push(byte[0]);
        }
        let body = match request.starts_with(b"GET /keys ") {
            true => json!({ "keys": [{ "kty": "RSA", "kid": "one", "n": MODULUS, "e": "AQAB" }] }),
            false => json!({ "jwks_uri": format!("http://{ISSUER}/keys") }),
        };
        let body = body.to_string();
        let length = body.len();
        let head =
            format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
        stream
            .write_all(format!("{head}{body}").as_bytes())
            .unwrap();
    }
}

/// A token that nobody has signed.
fn unsigned(claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.c2ln", part(&json!({ "alg": "RS256" })), part(claims))
}

const UNAUTHORIZED: &str = r#"{"message":"Unauthorized"}"#;

#[test]
fn a_token_is_checked_with_the_keys_of_an_issuer_on_this_machine() {
    let listener = TcpListener::bind(ISSUER).unwrap();
    std::thread::spawn(move || issue(listener));
    let apis = Served::apis(&template(&format!("http://{ISSUER}")), respond);
    let ask = |path: &str, token: &str| {
        let bearer = format!("Bearer {token}");
        apis.get(path, &[("authorization", &bearer)])
    };
    assert_eq!(ask("/read", GOOD).status, 200);
    let authorizer = apis.event("F")["requestContext"]["authorizer"].clone();
    let claims = json!({
        "iss": format!("http://{ISSUER}"),
        "aud": "orders",
        "sub": "me",
        "exp": "4102444800",
        "iat": "1700000000",
        "scope": "read write",
        "groups": "[a b]",
        "ok": "true",
    });
    let expected = json!({ "claims": claims, "scopes": ["read", "write"] });
    assert_eq!(authorizer, json!({ "jwt": expected }));
    assert_eq!(apis.get("/read", &[("authorization", GOOD)]).status, 200);
    assert_eq!(ask("/old", GOOD).status, 200);
    assert_eq!(apis.event("F")["requestContext"]["authorizer"], expected);
    assert_eq!(apis.get(&format!("/query?token={GOOD}"), &[]).status, 200);
    let scopes = &apis.event("F")["requestContext"]["authorizer"]["jwt"]["scopes"];
    assert_eq!(*scopes, Value::Null);

    let forbidden = ask("/write", GOOD).status_and_text();
    assert_eq!(forbidden, (403, r#"{"message":"Forbidden"}"#.to_owned()));
    let tampered = GOOD.replacen('.', ".e30", 1);
    for (token, why) in [
        (ELSEWHERE, "the token does not have a valid audience"),
        (EXPIRED, "the token has expired"),
        (OTHER_KEY, "the token's signature is not valid"),
        (
            &GOOD[..GOOD.len() - 2],
            "the token's signature is not valid",
        ),
        (&tampered, "the token is not valid"),
        ("text", "the token is not valid"),
    ] {
        let answer = ask("/read", token);
        assert_eq!(
            answer.status_and_text(),
            (401, UNAUTHORIZED.to_owned()),
            "{why}"
        );
        let expected = format!(
            "Bearer scope=\"read other\" error=\"invalid_token\" error_description=\"{why}\""
        );
        assert_eq!(answer.header("www-authenticate"), Some(&*expected));
    }
    let missing = apis.get("/read", &[]);
    assert_eq!(missing.status, 401);
    assert_eq!(missing.header("www-authenticate"), Some("Bearer"));
    assert_eq!(apis.get("/open", &[]).status, 200);
    assert_eq!(apis.notes(), Vec::<String>::new());
}

#[test]
fn a_token_of_an_issuer_elsewhere_counts_as_signed() {
    let issuer = "https://issuer.example/pool";
    let apis = Served::apis(&template(issuer), respond);
    let status = |claims: Value| {
        let token = unsigned(&claims);
        apis.get("/read", &[("authorization", &token)]).status
    };
    let expiry = 4102444800u64;
    let good = json!({ "iss": issuer, "client_id": "orders", "exp": expiry, "scp": ["read"] });
    assert_eq!(status(good.clone()), 200);
    assert_eq!(status(good), 200);
    let [note] = &apis.notes()[..] else {
        panic!("{:?}", apis.notes());
    };
    assert!(
        note.contains("the authorizer Tokens: the signatures of tokens are not checked"),
        "{note}"
    );
    assert_eq!(
        status(json!({ "iss": "x", "aud": "orders", "exp": expiry, "scope": "read" })),
        401
    );
    assert_eq!(
        status(json!({ "iss": issuer, "aud": "orders", "exp": 1, "scope": "read" })),
        401
    );
    assert_eq!(
        status(json!({ "iss": issuer, "aud": ["x", "orders"], "exp": expiry })),
        403
    );
    assert_eq!(apis.get("/read", &[]).status, 401);
}

#[test]
fn the_claims_of_the_user_take_the_place_of_a_token() {
    let issuer = "https://issuer.example/pool";
    let claims = r#"{ "sub": "you", "scope": "read" }"#;
    let apis = Served::with_claims(&template(issuer), Some(claims), respond);
    let token = unsigned(&json!({ "sub": "me" }));
    for headers in [&[][..], &[("authorization", &*token)]] {
        assert_eq!(apis.get("/read", headers).status, 200);
        let jwt = &apis.event("F")["requestContext"]["authorizer"]["jwt"];
        assert_eq!(jwt["claims"], json!({ "sub": "you", "scope": "read" }));
    }
    assert_eq!(apis.get("/write", &[]).status, 403);
    assert_eq!(apis.notes(), Vec::<String>::new());
}

#[test]
fn an_issuer_that_does_not_answer_is_an_error() {
    // A port that is free, as nothing listens on it any more.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let issuer = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let apis = Served::apis(&template(&issuer), respond);
    let answer = apis.get("/read", &[("authorization", GOOD)]);
    assert_eq!(answer.status, 401);
    let why = "OIDC discovery endpoint communication error";
    assert!(answer.header("www-authenticate").unwrap().contains(why));
    assert!(apis.notes()[0].contains("the authorizer Tokens: its keys cannot be read: "));
}
