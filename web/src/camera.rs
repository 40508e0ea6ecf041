//! What may go wrong with a camera, in words; and names of its pictures.

use crate::protocol::Failure;

/// The page cannot ask for a camera at all; `secure`: the browser trusts how the page was opened.
pub fn no_cameras(secure: bool) -> Failure {
    if secure {
        Failure::new(
            "This browser gives pages no camera.",
            "Use a current Chrome, Edge, Firefox or Safari, or choose files.",
        )
    } else {
        Failure::new(
            "A camera can only be used on a page opened over HTTPS or from this device.",
            "Open the page by an https:// address or as localhost, or choose files.",
        )
    }
}

/// Why the browser gave no camera, by the name of its error (W3C Media Capture and Streams, `getUserMedia`).
pub fn trouble(name: &str, message: &str) -> Failure {
    match name {
        "NotAllowedError" | "SecurityError" => Failure::new(
            "The camera was not allowed.",
            "Allow it for this page, beside the address and in the system's settings, and press the button again.",
        ),
        "NotFoundError" | "OverconstrainedError" | "DevicesNotFoundError" => Failure::new(
            "No camera was found.",
            "Connect one and press the button again, or choose files.",
        ),
        "NotReadableError" | "TrackStartError" | "AbortError" => Failure::new(
            "The camera could not be started; another program may be using it.",
            "Close that program or choose another camera, and press the button again.",
        ),
        _ => Failure::new(
            format!("The camera could not be used: {name} {message}"),
            "Press the button again, or choose files.",
        ),
    }
}

/// The camera went away while it was used.
pub fn lost() -> Failure {
    Failure::new(
        "The camera was disconnected.",
        "Connect it and press the button again.",
    )
}

/// The name of a picture's file; `number` counts from 1.
pub fn file_name(kind: &str, number: u32) -> String {
    format!("{kind}-{number:03}.png")
}

/// What to call a camera, of which the browser may tell no name.
pub fn label(given: &str, place: usize) -> String {
    if given.is_empty() {
        format!("Camera {}", place + 1)
    } else {
        given.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_trouble_names_its_mend() {
        let words = |name: &str| trouble(name, "because").what;
        assert!(words("NotAllowedError").contains("not allowed"));
        assert!(words("NotFoundError").contains("No camera"));
        assert!(words("OverconstrainedError").contains("No camera"));
        assert!(words("NotReadableError").contains("another program"));
        assert!(words("OddError").contains("OddError because"));
        assert!(no_cameras(false).mend.contains("https://"));
        assert!(no_cameras(true).what.contains("browser"));
    }

    #[test]
    fn pictures_and_cameras_have_names() {
        assert_eq!(file_name("camera", 7), "camera-007.png");
        assert_eq!(label("", 1), "Camera 2");
        assert_eq!(label("Rear", 0), "Rear");
    }
}
