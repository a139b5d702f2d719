//! Signatures against those that AWS publishes.

use std::collections::VecDeque;
use std::fs;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, UNIX_EPOCH};

use aws_credential_types::Credentials;
use http_body::{Body, Frame};
use jiff::Timestamp;
use lambda_wasm_test_support::crates;
use serde_json::Value;

use super::*;

fn body(bytes: impl Into<Bytes>) -> WasiBody {
    let body = Full::new(bytes.into());
    body.map_err(|never| match never {}).boxed_unsync()
}

/// A body that comes in these pieces.
struct Pieces(VecDeque<Bytes>);

impl Body for Pieces {
    type Data = Bytes;
    type Error = Code;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Code>>> {
        Poll::Ready(self.0.pop_front().map(|piece| Ok(Frame::data(piece))))
    }
}

/// Does what takes no time.
fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    runtime.unwrap().block_on(work)
}

fn signing(credentials: Credentials, service: (&str, &str), payload: PayloadSigning) -> Signing {
    Signing {
        payload,
        needs_length: true,
        service: Service {
            name: service.0.to_owned(),
            region: service.1.to_owned(),
        },
        credentials: Arc::new(CredentialSource::Environment(credentials)),
        time: UNIX_EPOCH,
        room: Arc::new(Semaphore::new(MAX_HELD)),
    }
}

/// The requests of AWS's test suite that no client here could send: the `http` crate refuses their targets and headers.
const NOT_HTTP: [&str; 3] = [
    "get-header-value-multiline",
    "get-space-normalized",
    "get-utf8",
];

/// AWS's test suite, which the crate `aws-sigv4` carries.
#[test]
fn the_published_signatures() {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let folder = crates::folder("aws-sigv4", Path::new(manifest), &["--offline"]);
    let suite = folder.join("aws-signing-test-suite/v4");
    let mut checked = 0;
    for case in fs::read_dir(suite).unwrap() {
        let case = case.unwrap().path();
        let name = case.file_name().unwrap().to_str().unwrap();
        if !case.join("context.json").exists() {
            continue;
        }
        let read = |file: &str| fs::read_to_string(case.join(file)).unwrap();
        let context: Value = serde_json::from_str(&read("context.json")).unwrap();
        let is = |key: &str| context[key].as_bool().unwrap_or(false);
        // S3 alone leaves paths as they are, and no service leaves the token out.
        if !is("normalize") || is("omit_session_token") || NOT_HTTP.contains(&name) {
            continue;
        }
        let request = read("request.txt");
        let (head, text) = request.split_once("\n\n").unwrap_or((&request, ""));
        let mut lines = head.lines();
        let line: Vec<&str> = lines.next().unwrap().split(' ').collect();
        let mut built = Request::builder()
            .method(line[0])
            .uri(format!("https://example.amazonaws.com{}", line[1]));
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            if !name.eq_ignore_ascii_case("host") {
                built = built.header(name, value);
            }
        }
        if is("sign_body") {
            // As a client asks for its hash to be a header.
            built = built.header(CONTENT_SHA256, "");
        }
        let credentials = &context["credentials"];
        let text_of = |key: &str| credentials[key].as_str().map(str::to_owned);
        let mut signing = signing(
            Credentials::new(
                text_of("access_key_id").unwrap(),
                text_of("secret_access_key").unwrap(),
                text_of("token"),
                None,
                "test",
            ),
            (
                context["service"].as_str().unwrap(),
                context["region"].as_str().unwrap(),
            ),
            PayloadSigning::Hashed,
        );
        let at: Timestamp = context["timestamp"].as_str().unwrap().parse().unwrap();
        signing.time = at.into();
        let signed = block_on(signing.sign(built.body(body(text.to_owned())).unwrap())).unwrap();
        let authorization = signed.headers()["authorization"].to_str().unwrap();
        let expected = format!("Signature={}", read("header-signature.txt").trim());
        assert!(
            authorization.ends_with(&expected),
            "{name}: {authorization}, not {expected}"
        );
        checked += 1;
    }
    assert_eq!(checked, 27);
}

/// Signs a body of 65 KiB in chunks whose signatures are nonsense, which comes in pieces of this size.
fn chunked(piece: usize, payload: &str, trailer: &str) -> (http::HeaderMap, String) {
    let nonsense = "0".repeat(64);
    let chunk = |size: usize| {
        let data = "a".repeat(size);
        format!("{size:x};chunk-signature={nonsense}\r\n{data}\r\n")
    };
    let whole = format!(
        "{}{}0;chunk-signature={nonsense}\r\n{trailer}\r\n",
        chunk(65536),
        chunk(1024)
    );
    let whole = whole.replace("SIGNATURE", &nonsense);
    let length = whole.len();
    let pieces = whole.as_bytes().chunks(piece).map(Bytes::copy_from_slice);
    let pieces = Pieces(pieces.collect());
    let mut request = Request::put("https://s3.amazonaws.com/examplebucket/chunkObject.txt")
        .header("content-encoding", "aws-chunked")
        .header("x-amz-content-sha256", payload)
        .header("x-amz-decoded-content-length", "66560")
        .header("x-amz-storage-class", "REDUCED_REDUNDANCY");
    request = match trailer {
        "" => request.header("content-length", "66824"),
        _ => request.header("x-amz-trailer", "x-amz-checksum-crc32c"),
    };
    let credentials = Credentials::new(
        "AKIAIOSFODNN7EXAMPLE",
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        None,
        None,
        "test",
    );
    let mut signing = signing(
        credentials,
        ("s3", "us-east-1"),
        PayloadSigning::Chunks(payload.to_owned()),
    );
    signing.time = UNIX_EPOCH + Duration::from_secs(1_369_353_600);
    block_on(async {
        let request = request.body(pieces.boxed_unsync()).unwrap();
        let (parts, body) = signing.sign(request).await.unwrap().into_parts();
        let signed = body.collect().await.unwrap().to_bytes();
        assert_eq!(signed.len(), length);
        (parts.headers, String::from_utf8(signed.to_vec()).unwrap())
    })
}

#[track_caller]
fn in_order(text: &str, signatures: &[&str]) {
    let found: Vec<&str> = text
        .lines()
        .filter_map(|line| line.split_once("-signature"))
        .map(|(_, signature)| &signature[1..])
        .collect();
    assert_eq!(found, signatures);
}

/// The example of <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html>.
#[test]
fn chunks_are_re_signed() {
    for piece in [1, 1000, 100_000] {
        let (headers, body) = chunked(piece, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "");
        let authorization = headers["authorization"].to_str().unwrap();
        assert!(
            authorization.ends_with(
                "Signature=4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"
            ),
            "{authorization}"
        );
        in_order(
            &body,
            &[
                "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
                "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
                "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
            ],
        );
    }
}

/// The example of <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html>.
#[test]
fn trailers_are_re_signed() {
    let (headers, body) = chunked(
        1000,
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
        "x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:SIGNATURE\r\n",
    );
    let authorization = headers["authorization"].to_str().unwrap();
    assert!(
        authorization.ends_with(
            "Signature=106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e"
        ),
        "{authorization}"
    );
    in_order(
        &body,
        &[
            "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
            "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
            "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
            "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435",
        ],
    );
}

#[test]
fn chunks_that_are_none_are_told() {
    let signature = format!(";chunk-signature={}\r\n", "0".repeat(64));
    for (text, why) in [
        (String::new(), "it ends too early"),
        ("x\r\n".to_owned(), "is not the start of a chunk"),
        ("3\r\nabc\r\n".to_owned(), "has no signature"),
        (
            format!("3;chunk-signature={}\r\nabc\r\n", "0".repeat(65)),
            "has no signature of 64 characters",
        ),
        (
            format!("3; chunk-signature={}\r\nabc\r\n", "0".repeat(63)),
            "has no signature of 64 characters",
        ),
        (
            format!(
                "0{signature}x-amz-trailer-signature: {}\r\n\r\n",
                "0".repeat(64)
            ),
            "has no signature of 64 characters",
        ),
        (format!("3{signature}abcd\r\n"), "longer than it says"),
        (format!("3{signature}ab"), "it ends too early"),
        (format!("0{signature}"), "it ends too early"),
        (format!("0{signature}\r\nmore"), "continues after its end"),
        (
            format!("0{signature}no trailer\r\n\r\n"),
            "is not a trailer",
        ),
        (format!("900000{signature}"), "the host signs at most"),
        ("0".repeat(MAX_HELD / 1000), "a line does not end"),
    ] {
        let credentials = Credentials::new("key", "secret", None, None, "test");
        let payload = PayloadSigning::Chunks("STREAMING-AWS4-HMAC-SHA256-PAYLOAD".to_owned());
        let signing = signing(credentials, ("s3", "us-east-1"), payload);
        let request = Request::put("https://s3.amazonaws.com/a").body(body(text.clone()));
        let message = block_on(async {
            let signed = signing.sign(request.unwrap()).await.unwrap();
            signed.into_body().collect().await.unwrap_err()
        });
        assert!(
            format!("{message:?}").contains(why),
            "{text:?}: {message:?}"
        );
    }
}

const DYNAMODB: &str = "https://dynamodb.eu-west-1.amazonaws.com/";
const S3: &str = "https://bucket.s3.eu-west-1.amazonaws.com/key";

/// As S3's own errors show what it computed: <https://github.com/curl/curl/issues/13754>.
#[test]
fn a_path_is_escaped_as_s3_has_it() {
    for (sent, signed) in [
        (
            "https://b.example/a%20b/c%2Fd~-_.e?x=(1)&y",
            "https://b.example/a%20b/c%2Fd~-_.e?x=(1)&y",
        ),
        (
            "https://b.example/year=2024/part(1)@x!$&'*+,;:",
            "https://b.example/year%3D2024/part%281%29%40x%21%24%26%27%2A%2B%2C%3B%3A",
        ),
        ("http://b.example:9", "http://b.example:9/"),
    ] {
        assert_eq!(escaped(&sent.parse().unwrap()), signed);
    }
}

#[test]
fn a_body_that_is_too_large_to_hash_is_refused() {
    let credentials = Credentials::new("AKIDEXAMPLE", "secret", None, None, "test");
    let signing = signing(
        credentials,
        ("dynamodb", "eu-west-1"),
        PayloadSigning::Hashed,
    );
    let request = |size| Request::post(DYNAMODB).body(body(vec![0; size])).unwrap();
    let held = block_on(signing.sign(request(MAX_HELD))).unwrap();
    // While it is sent there is no room for another.
    for size in [MAX_HELD + 1, 1] {
        let refused = block_on(signing.sign(request(size)));
        assert!(matches!(refused, Err(Err(Refusal::Held))));
        assert!(matches!(Refusal::Held.code(), Code::HttpRequestBodySize(_)));
    }
    drop(held);
    assert!(block_on(signing.sign(request(1))).is_ok());
}

/// S3 answers 501 to a body without its length, and DynamoDB 411.
#[test]
fn a_body_of_unknown_length_is_held_and_sent_with_it() {
    let credentials = || Credentials::new("AKIDEXAMPLE", "secret", None, None, "test");
    let payload = PayloadSigning::Declared(UNSIGNED.to_owned());
    for (service, url) in [("s3", S3), ("dynamodb", DYNAMODB)] {
        let signing = signing(credentials(), (service, "eu-west-1"), payload.clone());
        let of = |pieces: usize, size| {
            let pieces = vec![Bytes::from(vec![0; size]); pieces];
            let body = Pieces(pieces.into()).boxed_unsync();
            let request = Request::put(url).header(CONTENT_SHA256, UNSIGNED);
            block_on(signing.sign(request.body(body).unwrap()))
        };
        let signed = of(3, 100).unwrap();
        assert_eq!(signed.body().size_hint().exact(), Some(300));
        assert_eq!(signed.headers()[CONTENT_SHA256], UNSIGNED);
        let too_large = of(33, 1024 * 1024);
        assert!(matches!(too_large, Err(Err(Refusal::Length))));
        assert_eq!(of(0, 0).unwrap().body().size_hint().exact(), Some(0));
    }
    // A request that says its length is not held.
    let signing = signing(credentials(), ("s3", "eu-west-1"), payload);
    let pieces = vec![Bytes::from(vec![0; 1024 * 1024]); 40];
    let request = Request::put(S3).header(CONTENT_LENGTH, 40 * 1024 * 1024);
    let request = request.body(Pieces(pieces.into()).boxed_unsync()).unwrap();
    assert!(block_on(signing.sign(request)).is_ok());
}

mod decisions;
