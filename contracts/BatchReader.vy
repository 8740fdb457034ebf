# pragma version 0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: Apache-2.0
"""
@title Many view calls in one
@notice TEST ONLY, not audited. Holds nothing and changes nothing.
"""

struct View:
    target: address
    data: Bytes[260]

struct Answer:
    success: bool
    data: Bytes[640]


@external
@view
def read(views: DynArray[View, 512]) -> DynArray[Answer, 512]:
    """@notice Return each view's success and its raw answer (or revert data), cut at 640 bytes."""
    answers: DynArray[Answer, 512] = []
    for v: View in views:
        success: bool = False
        data: Bytes[640] = b""
        success, data = raw_call(
            v.target, v.data, max_outsize=640, is_static_call=True, revert_on_failure=False
        )
        answers.append(Answer(success=success, data=data))
    return answers
