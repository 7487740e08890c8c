//! Keys of session tickets that several processes share, so that a client resumes its session at any of them.

use crate::tls::error::TlsError;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Salt};
use ring::rand::{SecureRandom, SystemRandom};
use rustls::server::ProducesTickets;
use std::fmt;
use std::time::Duration;

/// Secrets from which the keys of session tickets are made. The first one encrypts; all of them decrypt.
///
/// Without it every process makes keys of its own and changes them every few hours, and a client that comes to another
/// process does a whole handshake: 2 to 4 times the processor time. To share, give all processes the same secrets, and
/// change them: put a new one in front (first behind, everywhere, so that all can decrypt it), and let an old one go
/// after its tickets' lifetime. Whoever has a secret can read what was resumed with its tickets by TLS 1.2, so a secret
/// must not live for weeks.
///
/// Each ticket has a key of its own: HKDF-SHA256 over the secret and 32 random bytes, then AES-256-GCM.
/// Form and purpose are those of [RFC 5077](https://www.rfc-editor.org/rfc/rfc5077) section 4.
///
/// ```
/// use filch::tls::TicketKeys;
///
/// # fn main() -> Result<(), filch::tls::TlsError> {
/// let secret = [7; 32]; // from where all processes get it: never from the source text
/// let keys = TicketKeys::new([secret])?;
/// # drop(keys);
/// # Ok(()) }
/// ```
pub struct TicketKeys {
    secrets: Vec<Secret>,
    lifetime: Duration,
    random: SystemRandom,
}

/// How long a ticket is good for unless something else is asked.
const LIFETIME: Duration = Duration::from_secs(6 * 60 * 60);
/// RFC 8446 section 4.6.1: no ticket is good for more than seven days.
const LONGEST_LIFETIME: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// Bytes of randomness that make a ticket's key its own.
const SALT: usize = 32;
/// Fewer bytes can be guessed.
const SHORTEST_SECRET: usize = 32;

struct Secret(Vec<u8>);

impl TicketKeys {
    /// Takes secrets of at least 32 random bytes each, the present one first.
    ///
    /// # Errors
    /// If there is none, or one of them is shorter.
    pub fn new<S: AsRef<[u8]>>(
        secrets: impl IntoIterator<Item = S>,
    ) -> Result<TicketKeys, TlsError> {
        let secrets: Vec<Secret> = secrets
            .into_iter()
            .map(|secret| Secret(secret.as_ref().to_vec()))
            .collect();
        if secrets.is_empty() {
            return Err(TlsError::new("session tickets need at least one secret"));
        }
        if secrets
            .iter()
            .any(|secret| secret.0.len() < SHORTEST_SECRET)
        {
            return Err(TlsError::new(
                "a secret of session tickets has at least 32 random bytes",
            ));
        }
        Ok(TicketKeys {
            secrets,
            lifetime: LIFETIME,
            random: SystemRandom::new(),
        })
    }

    /// How long a client is told to keep a ticket: 6 hours by default, at most 7 days. A ticket decrypts for as long as
    /// its secret is among these.
    #[must_use]
    pub fn lifetime(mut self, lifetime: Duration) -> TicketKeys {
        self.lifetime = lifetime.min(LONGEST_LIFETIME);
        self
    }
}

impl Secret {
    /// The key of the one ticket that has this salt.
    fn key(&self, salt: &[u8]) -> Option<LessSafeKey> {
        let secret = Salt::new(HKDF_SHA256, salt).extract(&self.0);
        let material = secret
            .expand(&[b"filch session ticket"], &AES_256_GCM)
            .ok()?;
        Some(LessSafeKey::new(UnboundKey::from(material)))
    }
}

impl ProducesTickets for TicketKeys {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        u32::try_from(self.lifetime.as_secs()).unwrap_or(u32::MAX)
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        let mut salt = [0; SALT];
        self.random.fill(&mut salt).ok()?;
        let key = self.secrets.first()?.key(&salt)?;
        let mut sealed = plain.to_vec();
        key.seal_in_place_append_tag(only_nonce(), Aad::empty(), &mut sealed)
            .ok()?;
        Some([&salt, sealed.as_slice()].concat())
    }

    fn decrypt(&self, ticket: &[u8]) -> Option<Vec<u8>> {
        let (salt, sealed) = ticket.split_at_checked(SALT)?;
        self.secrets.iter().find_map(|secret| {
            let mut sealed = sealed.to_vec();
            let opened = secret
                .key(salt)?
                .open_in_place(only_nonce(), Aad::empty(), &mut sealed);
            opened.ok().map(|plain| plain.to_vec())
        })
    }
}

/// A key that encrypts one message needs no nonce to tell several apart.
fn only_nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; ring::aead::NONCE_LEN])
}

/// Never the secrets.
impl fmt::Debug for TicketKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TicketKeys")
            .field("secrets", &self.secrets.len())
            .field("lifetime", &self.lifetime)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::{ProducesTickets as _, TicketKeys};

    fn keys(secrets: &[u8]) -> TicketKeys {
        TicketKeys::new(secrets.iter().map(|&byte| [byte; 32])).unwrap()
    }

    #[test]
    fn whoever_has_the_secret_decrypts_and_nobody_else() {
        let ticket = keys(&[1]).encrypt(b"session").unwrap();
        assert_eq!(keys(&[1]).decrypt(&ticket).unwrap(), b"session");
        assert_eq!(keys(&[2, 1]).decrypt(&ticket).unwrap(), b"session");
        assert_eq!(keys(&[2]).decrypt(&ticket), None);
    }

    #[test]
    fn no_changed_or_cut_ticket_decrypts() {
        let keys = keys(&[1]);
        let ticket = keys.encrypt(b"session").unwrap();
        for at in 0..ticket.len() {
            assert_eq!(keys.decrypt(&ticket[..at]), None, "cut at {at}");
            let mut changed = ticket.clone();
            changed[at] ^= 1;
            assert_eq!(keys.decrypt(&changed), None, "changed at {at}");
        }
    }

    #[test]
    fn two_tickets_of_one_session_differ() {
        let keys = keys(&[1]);
        assert_ne!(keys.encrypt(b"session"), keys.encrypt(b"session"));
    }

    #[test]
    fn a_short_secret_and_none_at_all_are_errors() {
        assert!(TicketKeys::new([[0; 31]]).is_err());
        assert!(TicketKeys::new(Vec::<[u8; 32]>::new()).is_err());
    }
}
