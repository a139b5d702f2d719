//! A client that sends by HTTP what the SDK made for HTTPS. Over plain HTTP the SDK signs the chunks of a stream one by
//! one; so that the tests, which have no certificates, see what is sent to AWS, it has to believe in HTTPS.

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

#[derive(Debug)]
pub struct PlainHttp(pub SharedHttpClient);

#[derive(Debug)]
struct Connector(SharedHttpConnector);

impl HttpClient for PlainHttp {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Connector(self.0.http_connector(settings, components)))
    }
}

impl HttpConnector for Connector {
    fn call(&self, mut request: HttpRequest) -> HttpConnectorFuture {
        let uri = request.uri().replacen("https:", "http:", 1);
        match request.set_uri(uri) {
            Ok(()) => self.0.call(request),
            Err(error) => panic!("{error}"),
        }
    }
}
