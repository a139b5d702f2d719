//! Objects, put in every way in which the SDK says what a payload is.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::client::customize::CustomizableOperation;
use aws_sdk_s3::config::{Builder, RequestChecksumCalculation};
use aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder;
use aws_sdk_s3::operation::put_object::{PutObjectError, PutObjectOutput};
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use aws_sdk_s3::types::{BucketLocationConstraint, ChecksumAlgorithm, CreateBucketConfiguration};
use http_body_util::Full;
use wstd::http::{Body, Request};

use crate::plain_http::PlainHttp;
use crate::{Outcome, Query};

type Customized = CustomizableOperation<PutObjectOutput, PutObjectError, PutObjectFluentBuilder>;

/// Buckets in paths, since no name resolves to `BUCKET.127.0.0.1`.
fn builder(config: &SdkConfig) -> Builder {
    Builder::from(config).force_path_style(true)
}

fn client(config: &SdkConfig) -> Client {
    Client::from_conf(builder(config).build())
}

/// A bucket in the function's region.
pub async fn create(config: &SdkConfig, query: &Query) -> Outcome {
    let region = config.region().ok_or("there is no AWS_REGION")?;
    let place = CreateBucketConfiguration::builder()
        .location_constraint(BucketLocationConstraint::from(region.as_ref()))
        .build();
    client(config)
        .create_bucket()
        .bucket(query.get("bucket"))
        .create_bucket_configuration(place)
        .send()
        .await?;
    Ok(vec![])
}

/// Puts an object that is the body, so many times.
pub async fn put(config: &SdkConfig, query: &Query, body: Vec<u8>) -> Outcome {
    let body = body.repeat(query.get("times").parse()?);
    let in_memory = |body: Vec<u8>| ByteStream::from(body);
    let streamed = |body: Vec<u8>| ByteStream::new(SdkBody::from_body_1_x(Full::from(body)));
    let put = |builder: Builder, body: ByteStream| {
        let put = Client::from_conf(builder.build()).put_object();
        let put = put.bucket(query.get("bucket")).key(query.get("key"));
        put.body(body)
    };
    let builder = builder(config);
    let plain = RequestChecksumCalculation::WhenRequired;
    match query.get("payload") {
        // The hash of the payload is signed, with or without a checksum beside it.
        "hash" => {
            let builder = builder.request_checksum_calculation(plain);
            asking(put(builder, in_memory(body))).send().await?;
        }
        "checksum" => {
            let put = put(builder, in_memory(body));
            let put = put.checksum_algorithm(ChecksumAlgorithm::Sha256);
            asking(put).send().await?;
        }
        // UNSIGNED-PAYLOAD
        "unsigned" => {
            let builder = builder.request_checksum_calculation(plain);
            let put = asking(put(builder, in_memory(body)));
            put.disable_payload_signing().send().await?;
        }
        // STREAMING-UNSIGNED-PAYLOAD-TRAILER
        "trailer" => {
            let endpoint = config.endpoint_url().unwrap_or_default();
            let endpoint = endpoint.replacen("http:", "https:", 1);
            let client = PlainHttp(config.http_client().unwrap());
            let builder = builder.endpoint_url(endpoint).http_client(client);
            asking(put(builder, streamed(body))).send().await?;
        }
        // STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, as the SDK does it over plain HTTP.
        "signed-trailer" => {
            asking(put(builder, streamed(body))).send().await?;
        }
        other => return Err(format!("no such payload: {other}").into()),
    }
    Ok(vec![])
}

/// As the SDKs for JavaScript and for Python do it, which ask before they send an object.
fn asking(put: PutObjectFluentBuilder) -> Customized {
    put.customize().mutate_request(|request| {
        request.headers_mut().insert("expect", "100-continue");
    })
}

/// What an object is, so many times.
pub async fn get(config: &SdkConfig, query: &Query) -> Outcome {
    let times: usize = query.get("times").parse()?;
    let get = client(config).get_object().bucket(query.get("bucket"));
    let object = get.key(query.get("key")).send().await?;
    let object = object.body.collect().await?.to_vec();
    let once = &object[..object.len() / times];
    if object != once.repeat(times) {
        return Err(format!("{} bytes are not {times} times one thing", object.len()).into());
    }
    Ok(once.to_vec())
}

/// Fetches an object by a URL that was signed before, as a browser would that was given it.
pub async fn presigned(config: &SdkConfig, query: &Query) -> Outcome {
    let get = client(config).get_object().bucket(query.get("bucket"));
    let get = get.key(query.get("key"));
    let signing = PresigningConfig::expires_in(Duration::from_secs(60))?;
    let signed = get.presigned(signing).await?;
    let mut request = Request::get(signed.uri());
    for (name, value) in signed.headers() {
        request = request.header(name, value);
    }
    let request = request.body(Body::empty())?;
    let response = wstd::http::Client::new().send(request).await;
    let (head, mut body) = response.map_err(|error| error.to_string())?.into_parts();
    let body = body.contents().await.map_err(|error| error.to_string())?;
    if head.status != 200 {
        let body = String::from_utf8_lossy(body);
        return Err(format!("{}: {body}", head.status).into());
    }
    Ok(body.to_vec())
}
