//! The identity of the client, as each event source has it.

use super::event::{ClientCert, CognitoIdentity, Iam, Identity};
use super::request_builder::text;
use crate::bindings::api;

/// Reads the identity of a REST API or of Lattice. `None` if it has nothing but an address.
pub(super) fn from_identity(identity: Identity<'_>) -> Option<api::Identity> {
    let vpc_of_arn =
        text(identity.vpc_arn).and_then(|arn| arn.rsplit_once('/').map(|(_, vpc)| vpc.to_owned()));
    known(api::Identity {
        account_id: text(identity.account_id),
        access_key: text(identity.access_key),
        caller: text(identity.caller),
        user: text(identity.user),
        user_arn: text(identity.user_arn),
        principal_org_id: text(identity.principal_org_id),
        api_key: text(identity.api_key),
        api_key_id: text(identity.api_key_id),
        cognito_identity_id: text(identity.cognito_identity_id),
        cognito_identity_pool_id: text(identity.cognito_identity_pool_id),
        cognito_authentication_type: text(identity.cognito_authentication_type),
        cognito_authentication_provider: text(identity.cognito_authentication_provider),
        source_vpc: text(identity.vpc_id).or(vpc_of_arn),
        client_certificate: identity.client_cert.map(certificate),
    })
}

/// Reads the identity of payload 2.0: of IAM, and of mutual TLS.
pub(super) fn from_iam(
    iam: Option<Iam<'_>>,
    certificate_: Option<ClientCert<'_>>,
) -> Option<api::Identity> {
    let iam = iam.unwrap_or_default();
    let cognito = iam.cognito_identity.unwrap_or_default();
    let (authentication_type, provider) = authentication(&cognito);
    known(api::Identity {
        account_id: text(iam.account_id),
        access_key: text(iam.access_key),
        caller: text(iam.caller_id),
        user: text(iam.user_id),
        user_arn: text(iam.user_arn),
        principal_org_id: text(iam.principal_org_id),
        api_key: None,
        api_key_id: None,
        cognito_identity_id: text(cognito.identity_id),
        cognito_identity_pool_id: text(cognito.identity_pool_id),
        cognito_authentication_type: authentication_type,
        cognito_authentication_provider: provider,
        source_vpc: None,
        client_certificate: certificate_.map(certificate),
    })
}

/// Cognito's `amr` holds `authenticated` or `unauthenticated`, and the providers:
/// <https://docs.aws.amazon.com/cognito/latest/developerguide/role-trust-and-permissions.html>.
fn authentication(cognito: &CognitoIdentity<'_>) -> (Option<String>, Option<String>) {
    let references = cognito.amr.iter().flat_map(|amr| &amr.0);
    let (kinds, providers): (Vec<&str>, Vec<&str>) = references
        .map(|reference| &**reference)
        .partition(|reference| matches!(*reference, "authenticated" | "unauthenticated"));
    let provider = (!providers.is_empty()).then(|| providers.join(","));
    (kinds.first().map(|&kind| kind.to_owned()), provider)
}

/// An identity in which there is something.
fn known(identity: api::Identity) -> Option<api::Identity> {
    let facts = [
        &identity.account_id,
        &identity.access_key,
        &identity.caller,
        &identity.user,
        &identity.user_arn,
        &identity.principal_org_id,
        &identity.api_key,
        &identity.api_key_id,
        &identity.cognito_identity_id,
        &identity.cognito_identity_pool_id,
        &identity.cognito_authentication_type,
        &identity.cognito_authentication_provider,
        &identity.source_vpc,
    ];
    let is_known = facts.iter().any(|fact| fact.is_some()) || identity.client_certificate.is_some();
    is_known.then_some(identity)
}

fn certificate(certificate: ClientCert<'_>) -> api::Certificate {
    let validity = certificate.validity.unwrap_or_default();
    api::Certificate {
        pem: text(certificate.pem),
        subject: text(certificate.subject),
        issuer: text(certificate.issuer),
        serial_number: text(certificate.serial_number),
        not_before: text(validity.not_before),
        not_after: text(validity.not_after),
    }
}
