//! Sixteen numbers from memory and back, for the kernels that are written out for AVX-512.

use std::arch::x86_64::{__m512, _mm512_loadu_ps, _mm512_storeu_ps};

/// Numbers in a register.
const LANES: usize = 16;

#[target_feature(enable = "avx512f")]
#[inline]
pub(crate) fn load(values: &[f32; LANES]) -> __m512 {
    #[expect(unsafe_code, reason = "an unaligned load from an array")]
    // SAFETY: the array is as large as the register.
    unsafe {
        _mm512_loadu_ps(values.as_ptr())
    }
}

#[target_feature(enable = "avx512f")]
#[inline]
pub(crate) fn store(values: __m512, out: &mut [f32; LANES]) {
    #[expect(unsafe_code, reason = "an unaligned store to an array")]
    // SAFETY: the array is as large as the register.
    unsafe {
        _mm512_storeu_ps(out.as_mut_ptr(), values);
    }
}
