//! A request to AWS that the host signs: a second implementation finds the same signatures, and the data stays what it is.

use arbitrary::{Result, Unstructured};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request as HttpRequest};
use lambda_wasm_host::config::Environment;
use lambda_wasm_host::fuzzing::sign;
use lambda_wasm_host::policy::{Aws, PLACEHOLDERS};

use crate::Request;
use crate::signature::verify;
use crate::words::{list, text};

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

const SIGNATURE: &str = "x-amz-trailer-signature";

/// Makes a request, and checks how it is signed.
pub fn run(data: &[u8]) {
    let _ = request(&mut Unstructured::new(data));
}

/// The bodies of a request.
enum Body {
    Plain(Vec<u8>),
    /// With chunks in it, or what looks like them.
    Chunked(Vec<u8>),
}

impl Body {
    /// Returns whether the body has no trailers, or one signature behind them, in the form that the second implementation expects.
    fn has_signed_trailers(&self) -> bool {
        let Self::Chunked(bytes) = self else {
            return true;
        };
        let (_, trailers) = decode(bytes).unwrap_or_default();
        let signatures = trailers.iter().filter(|name| is_signature(name)).count();
        let is_canonical = |line: &String| match line.split_once(':') {
            Some((name, value)) => name.to_ascii_lowercase() == name && value.trim() == value,
            None => line == SIGNATURE,
        };
        trailers.iter().all(is_canonical)
            && (trailers.is_empty()
                || (signatures == 1 && trailers.last().is_some_and(|line| line == SIGNATURE)))
    }
}

fn request(u: &mut Unstructured<'_>) -> Result<()> {
    let (service, host) = *u.choose(&[
        ("s3", "bucket.s3.eu-west-1.amazonaws.com"),
        ("dynamodb", "dynamodb.eu-west-1.amazonaws.com"),
        ("sqs", "sqs.eu-west-1.amazonaws.com"),
    ])?;
    let uri = format!("https://{host}/{}{}", path(u, service)?, query(u)?);
    let body = match service == "s3" && u.arbitrary()? {
        true => Body::Chunked(chunked(u)?),
        false => Body::Plain(u.arbitrary()?),
    };
    let mut built = HttpRequest::builder()
        .method(*u.choose(&["GET", "PUT", "POST", "DELETE"])?)
        .uri(uri);
    for name in ["x-amz-meta-a", "x-a", "range", "content-type"] {
        if u.ratio(1, 3)? {
            // Signatures have one space for several, which the second implementation does not make. The host refuses to sign
            // more than ASCII.
            let mut value = text(u, &["a", " ", ",", "/", "="])?;
            value.retain(|c| c.is_ascii_graphic() || c == ' ');
            built = built.header(name, value.split_whitespace().collect::<Vec<_>>().join(" "));
        }
    }
    let placeholder = u.ratio(1, 4)?;
    if placeholder {
        let scope = format!(
            "{}/20260101/eu-west-1/{service}/aws4_request",
            PLACEHOLDERS[0].1
        );
        let signature = format!(
            "AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature={}",
            "0".repeat(64)
        );
        built = built
            .header("authorization", signature)
            .header("x-amz-security-token", PLACEHOLDERS[2].1);
    }
    let bytes = match &body {
        Body::Plain(bytes) => {
            if u.arbitrary()? {
                built = built.header("content-length", bytes.len());
            }
            if u.ratio(1, 4)? {
                built = built.header("x-amz-content-sha256", "UNSIGNED-PAYLOAD");
            }
            bytes
        }
        Body::Chunked(bytes) => {
            built = built.header(
                "x-amz-content-sha256",
                "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
            );
            built = built.header("x-amz-decoded-content-length", "1");
            bytes
        }
    };
    let pieces = pieces(u, bytes)?;
    let Ok(built) = built.body(pieces) else {
        return Ok(());
    };
    let aws = Aws {
        sign: vec!["s3".to_owned(), "dynamodb".to_owned(), "sqs".to_owned()],
        regions: Vec::new(),
    };
    check(&aws, built, &body);
    Ok(())
}

fn check(aws: &Aws, request: HttpRequest<Vec<Bytes>>, body: &Body) {
    let environment: Environment = [
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "ASIAREAL"),
        ("AWS_SECRET_ACCESS_KEY", SECRET),
        ("AWS_SESSION_TOKEN", "the-token"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into_iter()
    .collect();
    let shown = format!("{request:?}");
    let signed = sign(aws, &environment, request);
    let is_valid = match body {
        Body::Plain(_) => true,
        Body::Chunked(bytes) => decode(bytes).is_some(),
    };
    let (parts, sent) = match signed {
        Ok(Some(signed)) => signed,
        Ok(None) => panic!("it is not signed: {shown}"),
        Err(why) => {
            assert!(!is_valid, "it is refused: {why}: {shown}");
            return;
        }
    };
    assert!(
        is_valid,
        "it is signed, though its body is not valid: {shown}"
    );
    let host = parts.uri.host().expect("it has a host");
    let mut headers = format!("host: {host}\r\n");
    for (name, value) in &parts.headers {
        headers += &format!("{name}: {}\r\n", value.to_str().expect("it is ASCII"));
    }
    for (_, placeholder) in PLACEHOLDERS {
        assert!(!headers.contains(placeholder), "{headers}");
    }
    let target = parts.uri.path_and_query().expect("it has a target");
    let request = Request {
        line: format!("{} {target} HTTP/1.1", parts.method),
        headers,
        body: sent,
    };
    if body.has_signed_trailers() {
        assert_eq!(verify(&request, SECRET).key, "ASIAREAL");
    }
    match body {
        Body::Plain(bytes) => assert_eq!(*bytes, request.body),
        Body::Chunked(bytes) => {
            assert_eq!(bytes.len(), request.body.len(), "the length is promised");
            assert_eq!(decode(bytes), decode(&request.body));
        }
    }
}

/// Returns the data and the trailers of a body in chunks, or `None` if it is not valid: a reader without state, written from AWS's
/// page, <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html>.
fn decode(body: &[u8]) -> Option<(Vec<u8>, Vec<String>)> {
    let (mut rest, mut data) = (body, Vec::new());
    let line = |rest: &mut &[u8]| -> Option<String> {
        let end = rest.windows(2).position(|pair| pair == b"\r\n")?;
        let line = String::from_utf8(rest[..end].to_vec()).ok()?;
        *rest = &rest[end + 2..];
        Some(line)
    };
    loop {
        let head = line(&mut rest)?;
        let (size, extension) = head.split_once(';')?;
        let replaced = extension.strip_prefix("chunk-signature=")?;
        if replaced.len() != 64 {
            return None;
        }
        let size = usize::from_str_radix(size, 16).ok()?;
        if size == 0 {
            break;
        }
        data.extend_from_slice(rest.get(..size)?);
        rest = rest[size..].strip_prefix(b"\r\n")?;
    }
    let mut trailers = Vec::new();
    loop {
        let trailer = line(&mut rest)?;
        if trailer.is_empty() {
            return rest.is_empty().then_some((data, trailers));
        }
        let (name, value) = trailer.split_once(':')?;
        HeaderName::from_bytes(name.as_bytes()).ok()?;
        match is_signature(name) {
            // Whatever it is, the host replaces it.
            true => (value.len() == 64).then_some(())?,
            false => drop(HeaderValue::from_str(value.trim()).ok()?),
        }
        // The signature differs, and its place does not.
        trailers.push(match is_signature(name) {
            true => name.to_owned(),
            false => trailer,
        });
    }
}

fn is_signature(name: &str) -> bool {
    name.eq_ignore_ascii_case(SIGNATURE)
}

fn path(u: &mut Unstructured<'_>, service: &str) -> Result<String> {
    // S3's paths are signed as they are sent. For the others, SDKs normalize paths, and the second implementation does not.
    const ANY: &[&str] = &[
        "a", "/", "%20", "%2F", ".", "..", "~", "!", "+", "=", "@", "(", ":",
    ];
    const PLAIN: &[&str] = &["a", "b", "1/a", "~", "-", "%20a"];
    let pieces = if service == "s3" { ANY } else { PLAIN };
    (0..u.int_in_range(0..=6)?)
        .map(|_| u.choose(pieces).copied())
        .collect()
}

fn query(u: &mut Unstructured<'_>) -> Result<String> {
    const PIECES: &[&str] = &["a", "b", "%20", "%2F", "~", "-", "list-type", "1"];
    let word = |u: &mut Unstructured<'_>| -> Result<String> {
        (0..u.int_in_range(1..=3)?)
            .map(|_| u.choose(PIECES).copied())
            .collect()
    };
    let pairs = list(u, 3, |u| {
        Ok(match u.int_in_range(0..=3)? {
            0 => word(u)?,
            1 => format!("{}=", word(u)?),
            _ => format!("{}={}", word(u)?, word(u)?),
        })
    })?;
    Ok(if pairs.is_empty() {
        String::new()
    } else {
        format!("?{}", pairs.join("&"))
    })
}

/// Returns a body in chunks, perhaps with one piece that is wrong.
fn chunked(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let nonsense = "0".repeat(64);
    let mut body = Vec::new();
    for data in list(u, 3, |u| u.arbitrary::<Vec<u8>>())? {
        if !data.is_empty() {
            body.extend(format!("{:x};chunk-signature={nonsense}\r\n", data.len()).into_bytes());
            body.extend(data);
            body.extend(b"\r\n");
        }
    }
    body.extend(format!("0;chunk-signature={nonsense}\r\n").into_bytes());
    if u.arbitrary()? {
        body.extend(b"x-amz-checksum-crc32:sOO8/Q==\r\n");
        body.extend(format!("x-amz-trailer-signature:{nonsense}\r\n").into_bytes());
    }
    body.extend(b"\r\n");
    if u.ratio(1, 3)? {
        let at = u.int_in_range(0..=body.len() - 1)?;
        match u.int_in_range(0..=3)? {
            0 => body[at] = u.arbitrary()?,
            1 => drop(body.remove(at)),
            2 => body.insert(at, u.arbitrary()?),
            _ => body.truncate(at),
        }
    }
    Ok(body)
}

fn pieces(u: &mut Unstructured<'_>, bytes: &[u8]) -> Result<Vec<Bytes>> {
    let (mut rest, mut pieces) = (bytes, Vec::new());
    while !rest.is_empty() {
        let size = if u.ratio(1, 2)? {
            rest.len()
        } else {
            u.int_in_range(1..=rest.len())?
        };
        pieces.push(Bytes::copy_from_slice(&rest[..size]));
        rest = &rest[size..];
    }
    Ok(pieces)
}
