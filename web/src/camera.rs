//! What may go wrong with a camera; and names of its pictures.

use crate::protocol::Failure;

/// The page cannot ask for a camera at all; `secure`: the browser trusts how the page was opened.
pub fn no_cameras(secure: bool) -> Failure {
    if secure {
        Failure::NoCameras
    } else {
        Failure::Untrusted
    }
}

/// Why the browser gave no camera, by the name of its error (W3C Media Capture and Streams, `getUserMedia`).
pub fn trouble(name: &str, message: &str) -> Failure {
    match name {
        "NotAllowedError" | "SecurityError" => Failure::CameraRefused,
        "NotFoundError" | "OverconstrainedError" | "DevicesNotFoundError" => Failure::NoCamera,
        "NotReadableError" | "TrackStartError" | "AbortError" => Failure::CameraBusy,
        _ => Failure::Camera {
            why: format!("{name} {message}"),
        },
    }
}

/// The name of a picture's file; `number` counts from 1.
pub fn file_name(kind: &str, number: u32) -> String {
    format!("{kind}-{number:03}.png")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Language;

    #[test]
    fn every_trouble_names_its_mend() {
        let told = |failure: Failure| Language::En.words().failures.tell(&failure);
        let words = |name: &str| told(trouble(name, "because")).what;
        assert!(words("NotAllowedError").contains("not allowed"));
        assert!(words("NotFoundError").contains("No camera"));
        assert!(words("OverconstrainedError").contains("No camera"));
        assert!(words("NotReadableError").contains("another program"));
        assert!(words("OddError").contains("OddError because"));
        assert!(told(no_cameras(false)).mend.contains("https://"));
        assert!(told(no_cameras(true)).what.contains("browser"));
    }

    #[test]
    fn pictures_have_names() {
        assert_eq!(file_name("camera", 7), "camera-007.png");
    }
}
