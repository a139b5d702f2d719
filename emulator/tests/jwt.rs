//! The JWT authorizers of HTTP APIs.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "support/served.rs"]
mod served;

use std::io::{Read, Write};
use std::net::TcpListener;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use ring::rand::SystemRandom;
use ring::rsa::KeyPair as RsaKeyPair;
use ring::signature::{RSA_PKCS1_SHA256, RsaPublicKeyComponents};
use serde_json::{Value, json};
use served::{Reply, Served};

/// Another key of the issuer, which did not sign the tokens.
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

/// An issuer on this machine, with two keys.
struct Issuer {
    url: String,
    key: RsaKeyPair,
}

impl Issuer {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        // A key of these tests only.
        let key = RsaKeyPair::from_pkcs8(include_bytes!("support/issuer.pk8")).unwrap();
        let document = json!({ "jwks_uri": format!("{url}/keys") });
        let number = |bytes: Vec<u8>| URL_SAFE_NO_PAD.encode(bytes);
        let public = RsaPublicKeyComponents::<Vec<u8>>::from(key.public());
        let keys = json!({ "keys": [
            { "kty": "RSA", "kid": "other", "n": MODULUS, "e": "AQAB" },
            { "kty": "RSA", "kid": "one", "n": number(public.n), "e": number(public.e) },
        ] });
        std::thread::spawn(move || issue(listener, &document, &keys));
        Self { url, key }
    }

    /// The claims of a good token, until the year 2100.
    fn claims(&self) -> Value {
        json!({
            "iss": self.url,
            "aud": "orders",
            "sub": "me",
            "exp": 4102444800u64,
            "iat": 1700000000,
            "scope": "read write",
            "groups": ["a", "b"],
            "ok": true,
            "none": null,
        })
    }

    /// A token with the issuer's signature.
    fn token(&self, header: &Value, claims: &Value) -> String {
        let signed = format!("{}.{}", part(header), part(claims));
        let mut signature = vec![0; self.key.public().modulus_len()];
        let random = SystemRandom::new();
        let key = &self.key;
        key.sign(
            &RSA_PKCS1_SHA256,
            &random,
            signed.as_bytes(),
            &mut signature,
        )
        .unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// A token with these claims, and one of them changed.
    fn token_with(&self, name: &str, value: Value) -> String {
        let mut claims = self.claims();
        claims[name] = value;
        self.token(&header(), &claims)
    }

    /// A token that is signed with the issuer's public key as a secret.
    fn token_of_public_key(&self) -> String {
        let header = json!({ "alg": "HS256", "kid": "one" });
        let signed = format!("{}.{}", part(&header), part(&self.claims()));
        let public = RsaPublicKeyComponents::<Vec<u8>>::from(self.key.public());
        let secret = hmac::Key::new(hmac::HMAC_SHA256, &public.n);
        let signature = hmac::sign(&secret, signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

fn header() -> Value {
    json!({ "alg": "RS256", "kid": "one" })
}

fn part(json: &Value) -> String {
    URL_SAFE_NO_PAD.encode(json.to_string())
}

/// Answers the requests for the issuer's document and its keys.
fn issue(listener: TcpListener, document: &Value, keys: &Value) {
    for stream in listener.incoming() {
        let mut stream = stream.unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            request.push(byte[0]);
        }
        let body = match request.starts_with(b"GET /keys ") {
            true => keys.to_string(),
            false => document.to_string(),
        };
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
    format!("{}.{}.c2ln", part(&json!({ "alg": "RS256" })), part(claims))
}

const UNAUTHORIZED: &str = r#"{"message":"Unauthorized"}"#;

#[test]
fn a_token_is_checked_with_the_keys_of_an_issuer_on_this_machine() {
    let issuer = Issuer::start();
    let good = &*issuer.token(&header(), &issuer.claims());
    let apis = Served::apis(&template(&issuer.url), respond);
    let ask = |path: &str, token: &str| {
        let bearer = format!("Bearer {token}");
        apis.get(path, &[("authorization", &bearer)])
    };
    assert_eq!(ask("/read", good).status, 200);
    let authorizer = apis.event("F")["requestContext"]["authorizer"].clone();
    let claims = json!({
        "iss": issuer.url,
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
    assert_eq!(apis.get("/read", &[("authorization", good)]).status, 200);
    assert_eq!(ask("/old", good).status, 200);
    assert_eq!(apis.event("F")["requestContext"]["authorizer"], expected);
    assert_eq!(apis.get(&format!("/query?token={good}"), &[]).status, 200);
    let scopes = &apis.event("F")["requestContext"]["authorizer"]["jwt"]["scopes"];
    assert_eq!(*scopes, Value::Null);

    let forbidden = ask("/write", good).status_and_text();
    assert_eq!(forbidden, (403, r#"{"message":"Forbidden"}"#.to_owned()));
    let missing = apis.get("/read", &[]);
    assert_eq!(missing.status, 401);
    assert_eq!(missing.header("www-authenticate"), Some("Bearer"));
    assert_eq!(apis.get("/open", &[]).status, 200);
    assert_eq!(apis.notes(), Vec::<String>::new());
}

#[test]
fn a_token_that_the_issuer_did_not_sign_is_refused() {
    let issuer = Issuer::start();
    let good = issuer.token(&header(), &issuer.claims());
    let mut claims = issuer.claims();
    claims["sub"] = json!("another");
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let mut bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
    bytes[100] ^= 1;
    let token = |header: Value| issuer.token(&header, &issuer.claims());
    let part_of_none = part(&json!({ "alg": "none", "kid": "one" }));
    let signature_is_not_valid = [
        // Claims of another token, and one bit of the signature.
        format!("{}.{}.{signature}", part(&header()), part(&claims)),
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(bytes)),
        good[..good.len() - 2].to_owned(),
        format!("{}.{}.", part_of_none, part(&issuer.claims())),
        token(json!({ "alg": "none", "kid": "one" })),
        issuer.token_of_public_key(),
        // A key that the issuer does not have, another key of it, and no key.
        token(json!({ "alg": "RS256", "kid": "two" })),
        token(json!({ "alg": "RS256", "kid": "other" })),
        token(json!({ "alg": "RS256" })),
        // Another algorithm, and none.
        token(json!({ "alg": "RS512", "kid": "one" })),
        token(json!({ "kid": "one" })),
    ];
    let signature_is_not_valid = signature_is_not_valid.into_iter();
    let mut tokens: Vec<_> = signature_is_not_valid
        .map(|token| (token, "the token's signature is not valid"))
        .collect();
    let with = |name: &str, value: Value| issuer.token_with(name, value);
    tokens.extend([
        (
            with("aud", json!("other")),
            "the token does not have a valid audience",
        ),
        (
            with("iss", json!("http://x")),
            "the token does not have a valid issuer",
        ),
        (with("exp", json!(1_700_000_001)), "the token has expired"),
        (with("exp", Value::Null), "the token has expired"),
        (with("exp", json!("4102444800")), "the token has expired"),
        (
            with("nbf", json!(4_000_000_000u64)),
            "the token is not valid yet",
        ),
        ("text".to_owned(), "the token is not valid"),
        (signed.to_owned(), "the token is not valid"),
    ]);
    let apis = Served::apis(&template(&issuer.url), respond);
    assert_eq!(apis.get("/read", &[("authorization", &good)]).status, 200);
    for (token, why) in &tokens {
        let bearer = format!("Bearer {token}");
        let answer = apis.get("/read", &[("authorization", &bearer)]);
        let expected = (401, UNAUTHORIZED.to_owned());
        assert_eq!(answer.status_and_text(), expected, "{why}: {token}");
        let expected = format!(
            "Bearer scope=\"read other\" error=\"invalid_token\" error_description=\"{why}\""
        );
        assert_eq!(
            answer.header("www-authenticate"),
            Some(&*expected),
            "{token}"
        );
    }
    assert_eq!(apis.events("F").len(), 1);
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
    let token = unsigned(&json!({ "iss": issuer }));
    let answer = apis.get("/read", &[("authorization", &token)]);
    assert_eq!(answer.status, 401);
    let why = "OIDC discovery endpoint communication error";
    assert!(answer.header("www-authenticate").unwrap().contains(why));
    assert!(apis.notes()[0].contains("the authorizer Tokens: its keys cannot be read: "));
}
