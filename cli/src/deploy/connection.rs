//! The account and region that commands talk to.

use std::sync::OnceLock;

use anyhow::{Result, bail};
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region, SdkConfig};
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_lambda::config::{
    Builder, ProvideCredentials as _, SharedCredentialsProvider, SharedHttpClient,
};
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_runtime_api::client::http::{SharedHttpConnector, http_client_fn};

use super::failure::causes;

/// Where AWS is, and whose credentials requests are signed with.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Connection {
    /// The region [default: AWS_REGION, or else the profile's]
    #[arg(long, value_name = "NAME")]
    region: Option<String>,
    /// Take the credentials and the region of this profile [default: AWS_PROFILE, or else `default`]
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Send requests to this URL instead of AWS
    #[arg(long, value_name = "URL")]
    endpoint_url: Option<String>,
}

impl Connection {
    /// Returns the first of the options that was given.
    pub fn given(&self) -> Option<&'static str> {
        [
            (&self.region, "--region"),
            (&self.profile, "--profile"),
            (&self.endpoint_url, "--endpoint-url"),
        ]
        .into_iter()
        .find_map(|(value, name)| value.as_ref().map(|_| name))
    }

    /// Reads the configuration of AWS's tools, for a client of Lambda.
    ///
    /// # Errors
    ///
    /// Returns an error if the region or the credentials are missing.
    pub async fn config(&self) -> Result<Builder> {
        Ok(Builder::from(&self.load().await?))
    }

    /// Reads the configuration of AWS's tools.
    ///
    /// # Errors
    ///
    /// Returns an error if the region or the credentials are missing.
    pub async fn load(&self) -> Result<SdkConfig> {
        let mut loader: ConfigLoader =
            aws_config::defaults(BehaviorVersion::latest()).http_client(http_client());
        if let Some(region) = &self.region {
            loader = loader.region(Region::new(region.clone()));
        }
        if let Some(profile) = &self.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(url) = &self.endpoint_url {
            loader = loader.endpoint_url(url);
        }
        let config = loader.load().await;
        if config.region().is_none() {
            bail!(
                "cannot find a region for AWS\nhint: name it with --region, or set AWS_REGION, or set `region` in the profile"
            );
        }
        let mut builder = config.clone().into_builder();
        let provider = match &self.profile {
            // The variables do not replace the profile that was named: it may be of another account.
            Some(profile) => {
                let settings = ProviderConfig::without_region()
                    .with_region(config.region().cloned())
                    .with_http_client(http_client());
                let provider = ProfileFileCredentialsProvider::builder()
                    .configure(&settings)
                    .profile_name(profile)
                    .build();
                let provider = SharedCredentialsProvider::new(provider);
                builder.set_credentials_provider(Some(provider.clone()));
                Some(provider)
            }
            None => config.credentials_provider(),
        };
        const HINT: &str = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile with --profile; `aws sso login` renews a profile of IAM Identity Center";
        let Some(provider) = provider else {
            bail!("cannot find credentials for AWS\nhint: {HINT}");
        };
        match provider.provide_credentials().await {
            Ok(_) => Ok(builder.build()),
            Err(CredentialsError::CredentialsNotLoaded(_)) if self.profile.is_none() => {
                bail!("cannot find credentials for AWS\nhint: {HINT}")
            }
            Err(error) => {
                let profile = self.profile.as_ref();
                let place =
                    profile.map_or_else(String::new, |name| format!(" in the profile {name}"));
                bail!(
                    "cannot find credentials for AWS{place}: {}\nhint: {HINT}",
                    causes(&error)
                )
            }
        }
    }
}

/// A client with TLS by ring, which obeys the variables for proxies.
fn http_client() -> SharedHttpClient {
    let connector = OnceLock::new();
    http_client_fn(move |settings, components| {
        let create = || {
            let mut builder = Connector::builder();
            builder.set_connector_settings(Some(settings.clone()));
            builder.set_sleep_impl(components.sleep_impl());
            let builder = builder.proxy_config(ProxyConfig::from_env());
            SharedHttpConnector::new(
                builder
                    .tls_provider(Provider::Rustls(CryptoMode::Ring))
                    .build(),
            )
        };
        connector.get_or_init(create).clone()
    })
}
