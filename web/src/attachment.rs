//! Checks of what arrives beside a message's head.

use thiserror::Error;

use crate::protocol::Head;

/// A message whose parts do not fit each other.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum MessageError {
    /// The head is not one of this protocol's.
    #[error("not a message of this page's protocol: {0}")]
    Head(String),
    /// Too few or too many attachments.
    #[error("a message came with {found} attachments instead of {wanted}")]
    Count {
        /// As the head says.
        wanted: usize,
        /// As they came.
        found: usize,
    },
    /// A buffer's length does not fit the size that the head gives.
    #[error("{what}: {found} bytes instead of {wanted}")]
    Length {
        /// Which buffer.
        what: &'static str,
        /// From the head.
        wanted: usize,
        /// From the buffer.
        found: usize,
    },
}

/// Reads a head and checks the number of attachments beside it.
pub fn read_head<H: Head + serde::de::DeserializeOwned>(
    json: &str,
    attached: usize,
) -> Result<H, MessageError> {
    let head: H =
        serde_json::from_str(json).map_err(|error| MessageError::Head(error.to_string()))?;
    let wanted = head.attachments();
    if wanted == attached {
        Ok(head)
    } else {
        Err(MessageError::Count {
            wanted,
            found: attached,
        })
    }
}

/// Checks a buffer against `width × height × bytes` a pixel, in 64 bits.
pub fn check_length(
    what: &'static str,
    found: usize,
    width: u32,
    height: u32,
    bytes: usize,
) -> Result<(), MessageError> {
    let wanted = u64::from(width) * u64::from(height) * bytes as u64;
    if found as u64 == wanted {
        Ok(())
    } else {
        Err(MessageError::Length {
            what,
            wanted: usize::try_from(wanted).unwrap_or(usize::MAX),
            found,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::protocol::{FromWorker, ToWorker};

    #[test]
    fn the_count_is_checked() {
        let json = r#"{"inspect_file":{"id":1,"name":"a.png"}}"#;
        assert!(read_head::<ToWorker>(json, 1).is_ok());
        assert_eq!(
            read_head::<ToWorker>(json, 0),
            Err(MessageError::Count {
                wanted: 1,
                found: 0
            })
        );
        assert_eq!(
            read_head::<ToWorker>(json, 2),
            Err(MessageError::Count {
                wanted: 1,
                found: 2
            })
        );
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(matches!(
            read_head::<FromWorker>("{", 0),
            Err(MessageError::Head(_))
        ));
    }

    #[test]
    fn lengths_do_not_overflow() {
        assert_eq!(check_length("map", 16, 2, 2, 4), Ok(()));
        assert!(check_length("map", 15, 2, 2, 4).is_err());
        assert!(check_length("map", 0, u32::MAX, u32::MAX, 1).is_err());
    }
}
