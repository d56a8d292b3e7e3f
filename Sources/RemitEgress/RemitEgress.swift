// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import NIOHTTP1
import NIOHTTP2
import NIOSSL
import NIOWebSocket
import X509
import CZlib
import CBrotli
