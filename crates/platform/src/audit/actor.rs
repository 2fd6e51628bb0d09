//! Who acts, and from where.

use std::net::{IpAddr, Ipv6Addr};

use crate::{KeyId, UserId, identity::User};

/// Longest user agent that is kept, in characters.
const MAX_USER_AGENT: usize = 300;

/// Where a request comes from.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// The client's address; none for what the server or its operator does.
    pub address: Option<IpAddr>,
    /// What the client calls itself.
    pub user_agent: Option<String>,
}

impl Origin {
    /// The origin of a request.
    pub fn new(address: IpAddr, user_agent: Option<&str>) -> Self {
        let user_agent = user_agent.map(|agent| agent.chars().take(MAX_USER_AGENT).collect());
        Self { address: Some(address), user_agent }
    }

    /// What limits count by: an IPv4 address, or the /64 of an IPv6 one, which is the least that one client has.
    pub fn bucket(&self) -> Option<IpAddr> {
        Some(match self.address?.to_canonical() {
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
            address => address,
        })
    }
}

/// Who does something, and from where.
#[derive(Clone, Debug)]
pub struct Actor {
    /// The person, if it is one.
    pub user: Option<UserId>,
    /// The key, if it is one.
    pub key: Option<KeyId>,
    /// How people recognise them later: a mail address, the name of a key, `system`.
    pub name: String,
    /// From where.
    pub origin: Origin,
}

impl Actor {
    /// A person.
    pub fn person(user: &User, origin: Origin) -> Self {
        Self { user: Some(user.id.clone()), key: None, name: user.email.clone(), origin }
    }

    /// A program with a key.
    pub fn key(id: &KeyId, name: &str, origin: Origin) -> Self {
        Self { user: None, key: Some(id.clone()), name: name.to_owned(), origin }
    }

    /// The server itself, or whoever runs it.
    pub fn system() -> Self {
        Self { user: None, key: None, name: "system".into(), origin: Origin::default() }
    }

    /// The id of the person or key; `system` for the server itself.
    pub fn id(&self) -> &str {
        let user = self.user.as_ref().map(UserId::as_str);
        user.or(self.key.as_ref().map(KeyId::as_str)).unwrap_or(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_count_by_what_a_customer_has() {
        let of = |text: &str| Origin::new(text.parse().unwrap(), None).bucket().unwrap().to_string();
        assert_eq!(of("198.51.100.7"), "198.51.100.7");
        assert_eq!(of("::ffff:198.51.100.7"), "198.51.100.7");
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
    }
}
