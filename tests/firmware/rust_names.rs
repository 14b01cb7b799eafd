// Names as rustc makes them: generics, methods, traits, by both of its manglings. There is no core
// library in it, only what the compiler itself asks for. rust_names_v0.S and rust_names_legacy.S are
// made of it by rustc 1.95, with V0 or LEGACY for v0 or legacy:
//   RUSTC_BOOTSTRAP=1 rustc --target thumbv7em-none-eabihf --crate-type lib --emit asm -C opt-level=1
//     -Z unstable-options -C symbol-mangling-version=V0 -o rust_names_V0.S rust_names.rs
#![feature(no_core, lang_items, intrinsics, arbitrary_self_types, auto_traits)]
#![allow(internal_features, dead_code)]
#![no_core]

#[lang = "pointee_sized"]
pub trait PointeeSized {}
#[lang = "meta_sized"]
pub trait MetaSized: PointeeSized {}
#[lang = "sized"]
pub trait Sized: MetaSized {}
#[lang = "copy"]
pub trait Copy {}
impl Copy for u32 {}
impl Copy for u8 {}
impl<T: PointeeSized> Copy for &T {}
#[lang = "legacy_receiver"]
pub trait Receiver {}
impl<T: PointeeSized> Receiver for &T {}
#[lang = "freeze"]
pub unsafe auto trait Freeze {}
#[lang = "bitand"]
pub trait BitAnd<R = Self> {
    type Output;
    fn bitand(self, with: R) -> Self::Output;
}

pub mod motor {
    use super::Copy;

    pub trait Drive {
        fn drive(&self, speed: u32) -> u32;
    }

    pub struct Wheel<T> {
        pub turns: T,
    }

    impl<T: Copy> Wheel<T> {
        #[inline(never)]
        pub fn turns(&self) -> T {
            self.turns
        }
    }

    impl Drive for Wheel<u32> {
        #[inline(never)]
        fn drive(&self, speed: u32) -> u32 {
            self.turns() & speed
        }
    }

    impl Drive for Wheel<u8> {
        #[inline(never)]
        fn drive(&self, speed: u32) -> u32 {
            let _ = self.turns();
            speed
        }
    }

    #[inline(never)]
    pub fn twice<D: Drive>(with: &D, speed: u32) -> u32 {
        with.drive(speed) & with.drive(speed)
    }
}

impl BitAnd for u32 {
    type Output = u32;
    fn bitand(self, with: u32) -> u32 {
        self & with
    }
}

#[no_mangle]
pub extern "C" fn main() -> u32 {
    let large = motor::Wheel { turns: 7u32 };
    let small = motor::Wheel { turns: 1u8 };
    motor::twice(&large, 8) & motor::twice(&small, 1)
}
