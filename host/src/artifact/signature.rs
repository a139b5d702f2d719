//! Signatures of artifacts, and the keys that a deployment trusts.
//!
//! The trailer of a signed artifact has a second line, with an Ed25519 signature (RFC 8032) of these bytes:
//!
//! ```text
//! "lambda-wasm artifact 1\n" | the trailer's first line, with its line end
//! ```
//!
//! The first line has the length and the SHA-256 of all bytes before it. So no byte of a signed artifact can be changed.

use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_compact::{KeyPair, PublicKey};
use serde::{Deserialize, Serialize};

use super::{ArtifactError, Ending, SUFFIX, append_suffix, line_length, verify_as};

/// The variable that names the file of the trusted keys.
pub const TRUST: &str = "LAMBDA_WASM_TRUST";

/// The first of the bytes that are signed, so that no signature for another purpose is one for an artifact.
const DOMAIN: &[u8] = b"lambda-wasm artifact 1\n";

/// The last line of a public key in PEM.
const END_OF_KEY: &str = "-----END PUBLIC KEY-----";

/// The directory with the open files of this process.
const OPEN_FILES: &str = match cfg!(target_os = "linux") {
    true => "/proc/self/fd",
    false => "/dev/fd",
};

/// The signature of an artifact: the second line of its trailer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// The public key of the signer: the Base64 text of its PEM file.
    pub key: String,
    /// The signature, in Base64.
    pub ed25519: String,
}

impl Signature {
    /// Returns whether this is a signature of a trailer's first line, whoever made it.
    #[must_use]
    pub fn is_valid_for(&self, line: &[u8]) -> bool {
        let key = STANDARD.decode(&self.key).ok();
        let key = key.and_then(|der| PublicKey::from_der(&der).ok());
        let signature = STANDARD.decode(&self.ed25519).ok();
        let signature =
            signature.and_then(|bytes| ed25519_compact::Signature::from_slice(&bytes).ok());
        match (key, signature) {
            (Some(key), Some(signature)) => key.verify(signed(line), &signature).is_ok(),
            _ => false,
        }
    }
}

fn signed(line: &[u8]) -> Vec<u8> {
    [DOMAIN, line].concat()
}

fn text_of(key: &PublicKey) -> String {
    STANDARD.encode(key.to_der())
}

/// The key that signs artifacts.
pub struct SigningKey(KeyPair);

impl SigningKey {
    /// Reads a private key in PKCS#8 and PEM, as `openssl genpkey -algorithm ed25519` writes it.
    ///
    /// # Errors
    ///
    /// Returns an error that names the file if it cannot be read, or does not have such a key.
    pub fn read(file: &Path) -> Result<Self, String> {
        let text = fs::read_to_string(file)
            .map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
        KeyPair::from_pem(&text).map(Self).map_err(|_| {
            format!(
                "{} is not a private key of Ed25519 in PKCS#8 and PEM\nhint: create one with `openssl genpkey -algorithm ed25519 -out {}`",
                file.display(),
                file.display()
            )
        })
    }

    /// Returns the public key as signatures name it.
    #[must_use]
    pub fn public(&self) -> String {
        text_of(&self.0.pk)
    }

    /// Signs an artifact that is not signed yet.
    pub fn sign(&self, artifact: &mut Vec<u8>) {
        let Some(length) = line_length(artifact) else {
            return;
        };
        let end = artifact.len() - SUFFIX;
        let line = &artifact[end - length..end];
        let signature = Signature {
            key: self.public(),
            ed25519: STANDARD.encode(self.0.sk.sign(signed(line), None)),
        };
        artifact.truncate(end);
        // Two strings in Base64 need no escapes.
        let text = format!(
            "{{\"key\":\"{}\",\"ed25519\":\"{}\"}}\n",
            signature.key, signature.ed25519
        );
        artifact.extend(text.as_bytes());
        append_suffix(artifact, length + text.len());
    }
}

/// The public keys whose artifacts a deployment trusts.
#[derive(Debug, Clone)]
pub struct TrustedKeys {
    file: PathBuf,
    /// As signatures name them.
    keys: Vec<String>,
}

impl TrustedKeys {
    /// Reads public keys in PEM, as `openssl pkey -pubout` writes them: one or more in a file.
    ///
    /// # Errors
    ///
    /// Returns an error that names the file if it cannot be read, has no key, or has another kind of key.
    pub fn read(file: &Path) -> Result<Self, String> {
        let text = fs::read_to_string(file).map_err(|error| {
            format!(
                "{} cannot be read, and names the trusted keys: {error}",
                file.display()
            )
        })?;
        let sections = text.split_inclusive(END_OF_KEY);
        let sections = sections.filter(|section| section.ends_with(END_OF_KEY));
        let keys = sections.map(|section| PublicKey::from_pem(section).map(|key| text_of(&key)));
        let keys = keys.collect::<Result<Vec<_>, _>>().unwrap_or_default();
        if keys.is_empty() {
            return Err(format!(
                "{} has no public key of Ed25519 in PEM, or another key too\nhint: write the public key with `openssl pkey -in KEY -pubout`",
                file.display()
            ));
        }
        Ok(Self {
            file: file.to_owned(),
            keys,
        })
    }

    /// Opens the artifact at `path`, and verifies its signature and its bytes.
    ///
    /// # Errors
    ///
    /// Returns an error if the artifact cannot be read, is damaged, or is not signed by one of these keys.
    pub fn open(&self, path: &Path) -> Result<TrustedArtifact, ArtifactError> {
        let unreadable = |error| ArtifactError::Unreadable(path.to_owned(), error);
        let file = File::open(path).map_err(unreadable)?;
        let opened = TrustedArtifact {
            path: Path::new(OPEN_FILES).join(file.as_raw_fd().to_string()),
            _file: file,
        };
        let Ending {
            trailer,
            line,
            signature,
        } = Ending::read(&opened.path)?;
        let (path, keys) = (path.to_owned(), self.file.clone());
        let Some(signature) = signature else {
            return Err(ArtifactError::NotSigned { path, keys });
        };
        if !self.keys.contains(&signature.key) {
            let signer = signature.key;
            return Err(ArtifactError::UnknownSigner { path, keys, signer });
        }
        if !signature.is_valid_for(&line) {
            return Err(ArtifactError::InvalidSignature(path));
        }
        verify_as(&path, &opened.path, &trailer)?;
        Ok(opened)
    }
}

/// An artifact that a trusted key has signed. It stays the same file, whatever is put at its path.
#[derive(Debug)]
pub struct TrustedArtifact {
    path: PathBuf,
    _file: File,
}

impl TrustedArtifact {
    /// Returns the path of the verified file, as long as this exists.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}
