//! Recomputes the signature of a request as it came over the wire, by AWS's page and nothing of the signer's:
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>.

use std::collections::BTreeMap;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::Request;

/// What a request was signed with and for.
#[derive(Debug, PartialEq, Eq)]
pub struct Signed {
    /// The id of the access key.
    pub key: String,
    /// The region of the scope.
    pub region: String,
    /// The service of the scope.
    pub service: String,
    /// What its head says of the body.
    pub payload: String,
    /// All headers of the request, by their names in lower case.
    pub headers: BTreeMap<String, String>,
    /// How many chunks with signatures of their own the body has, the empty one included.
    pub chunks: usize,
}

/// Checks the signature of a request's head, and all those in its body.
#[track_caller]
pub fn verify(request: &Request, secret: &str) -> Signed {
    let headers: BTreeMap<String, String> = request
        .headers
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let authorization = headers["authorization"]
        .strip_prefix("AWS4-HMAC-SHA256 ")
        .unwrap();
    let fields: BTreeMap<&str, &str> = authorization
        .split(", ")
        .map(|field| field.split_once('=').unwrap())
        .collect();
    let (key, scope) = fields["Credential"].split_once('/').unwrap();
    let parts: Vec<&str> = scope.split('/').collect();
    let [_, region, service, "aws4_request"] = parts[..] else {
        panic!("{scope}")
    };
    let names: Vec<&str> = fields["SignedHeaders"].split(';').collect();
    for name in headers.keys() {
        let has_to = name == "host" || name.starts_with("x-amz-");
        assert!(!has_to || names.contains(&&**name), "{name} is not signed");
    }
    let body_hash = hex(&Sha256::digest(&request.body));
    let payload = headers
        .get("x-amz-content-sha256")
        .map_or(&body_hash, |said| said);
    if payload.len() == 64 {
        assert_eq!(*payload, body_hash);
    }
    let line: Vec<&str> = request.line.split(' ').collect();
    let (path, query) = line[1].split_once('?').unwrap_or((line[1], ""));
    let path = match service {
        "s3" => escape(path),
        _ => path.replace('%', "%25"),
    };
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let mut pairs: Vec<(&str, &str)> = pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .collect();
    // By the names, and then by the values.
    pairs.sort_unstable();
    let pairs = pairs.iter().map(|(name, value)| format!("{name}={value}"));
    let query: Vec<String> = pairs.collect();
    let signed_headers: String = names
        .iter()
        .map(|name| format!("{name}:{}\n", headers[*name]))
        .collect();
    let canonical = format!(
        "{}\n{path}\n{}\n{signed_headers}\n{}\n{payload}",
        line[0],
        query.join("&"),
        names.join(";"),
    );
    let signing_key = parts
        .iter()
        .fold(format!("AWS4{secret}").into_bytes(), |key, part| {
            hmac(&key, part)
        });
    let sign = |algorithm: &str, rest: &str| {
        let text = format!("{algorithm}\n{}\n{scope}\n{rest}", headers["x-amz-date"]);
        hex(&hmac(&signing_key, &text))
    };
    let signature = sign("AWS4-HMAC-SHA256", &hex(&Sha256::digest(&canonical)));
    assert_eq!(fields["Signature"], signature, "of the head: {canonical}");
    let chunks = match payload.starts_with("STREAMING-AWS4-HMAC-SHA256-PAYLOAD") {
        true => chunks(&request.body, signature, sign),
        false => 0,
    };
    Signed {
        key: key.to_owned(),
        region: region.to_owned(),
        service: service.to_owned(),
        payload: payload.clone(),
        chunks,
        headers,
    }
}

/// As S3 escapes what a client may leave as it is.
fn escape(path: &str) -> String {
    let is_kept = |c: char| c.is_ascii_alphanumeric() || "-._~/%".contains(c);
    path.chars()
        .map(|c| match is_kept(c) {
            true => c.to_string(),
            false => format!("%{:02X}", u32::from(c)),
        })
        .collect()
}

fn chunks(body: &[u8], seed: String, sign: impl Fn(&str, &str) -> String) -> usize {
    let nothing = hex(&Sha256::digest(""));
    let (mut rest, mut last, mut count) = (body, seed, 0);
    loop {
        let end = rest.windows(2).position(|pair| pair == b"\r\n").unwrap();
        let (head, after) = (str::from_utf8(&rest[..end]).unwrap(), &rest[end + 2..]);
        let (size, signature) = head.split_once(";chunk-signature=").unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        let data = hex(&Sha256::digest(&after[..size]));
        last = sign(
            "AWS4-HMAC-SHA256-PAYLOAD",
            &format!("{last}\n{nothing}\n{data}"),
        );
        assert_eq!(signature, last, "of a chunk");
        count += 1;
        if size == 0 {
            rest = after;
            break;
        }
        rest = after[size..].strip_prefix(b"\r\n").unwrap();
    }
    let trailers: Vec<&str> = str::from_utf8(rest)
        .unwrap()
        .strip_suffix("\r\n")
        .unwrap()
        .split("\r\n")
        .filter(|line| !line.is_empty())
        .collect();
    if let [trailers @ .., signature] = &trailers[..] {
        let trailers: String = trailers.iter().map(|line| format!("{line}\n")).collect();
        let trailers = hex(&Sha256::digest(trailers));
        let expected = sign("AWS4-HMAC-SHA256-TRAILER", &format!("{last}\n{trailers}"));
        assert_eq!(*signature, format!("x-amz-trailer-signature:{expected}"));
    }
    count
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
