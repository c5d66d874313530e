"""What real browsers sent to a socket, without the request line and Host.

Chromium 150 and Firefox 140 ESR of Debian, headless, over HTTP/1.1; "shop.test" stands for the site's own host, which
was mapped to 127.0.0.1. HeadlessChrome was made Chrome, and Sec-CH-UA was given the brand Google Chrome, which Debian's
build lacks, where GREASE has it for 150. Sec-Fetch-Storage-Access was "none": headless keeps no third-party cookies.
Firefox's "trustworthy" requests went to http://127.0.0.1. Safari 27: a published capture (macOS, plain HTTP).
"""

from __future__ import annotations

CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
SAFARI = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/27.0"
    " Safari/605.1.15"
)

CHROME_PAGES = (
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,"
    "application/signed-exchange;v=b3;q=0.7"
)
SAFARI_IMAGES = (
    "image/webp,image/avif,image/jxl,image/heic,image/heic-sequence,video/*;q=0.8,image/png,image/svg+xml,"
    "image/*;q=0.8,*/*;q=0.5"
)

CHROME_PLAIN_PAGE = f"""\
Connection: keep-alive
Upgrade-Insecure-Requests: 1
User-Agent: {CHROME}
Accept: {CHROME_PAGES}
Accept-Encoding: gzip, deflate
Accept-Language: en-US,en;q=0.9
"""
CHROME_PLAIN_IMAGE = f"""\
Connection: keep-alive
User-Agent: {CHROME}
Accept: image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8
Referer: http://shop.test/
Accept-Encoding: gzip, deflate
Accept-Language: en-US,en;q=0.9
Cookie: a=1
"""
CHROME_SECURE_PAGE = f"""\
Connection: keep-alive
sec-ch-ua: "Not;A=Brand";v="8", "Chromium";v="150", "Google Chrome";v="150"
sec-ch-ua-mobile: ?0
sec-ch-ua-platform: "Linux"
Upgrade-Insecure-Requests: 1
User-Agent: {CHROME}
Accept: {CHROME_PAGES}
Sec-Fetch-Site: none
Sec-Fetch-Mode: navigate
Sec-Fetch-User: ?1
Sec-Fetch-Dest: document
Accept-Encoding: gzip, deflate, br, zstd
Accept-Language: en-US,en;q=0.9
"""
CHROME_SECURE_IMAGE = f"""\
Connection: keep-alive
sec-ch-ua-platform: "Linux"
User-Agent: {CHROME}
sec-ch-ua: "Not;A=Brand";v="8", "Chromium";v="150", "Google Chrome";v="150"
sec-ch-ua-mobile: ?0
Accept: image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8
Sec-Fetch-Site: same-origin
Sec-Fetch-Mode: no-cors
Sec-Fetch-Dest: image
Referer: https://shop.test/
Accept-Encoding: gzip, deflate, br, zstd
Accept-Language: en-US,en;q=0.9
Cookie: a=1
"""
CHROME_CROSS_SITE_IMAGE = f"""\
Connection: keep-alive
sec-ch-ua-platform: "Linux"
User-Agent: {CHROME}
sec-ch-ua: "Not;A=Brand";v="8", "Chromium";v="150", "Google Chrome";v="150"
sec-ch-ua-mobile: ?0
Accept: image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8
Sec-Fetch-Site: cross-site
Sec-Fetch-Mode: no-cors
Sec-Fetch-Dest: image
Sec-Fetch-Storage-Access: none
Referer: https://other.test/
Accept-Encoding: gzip, deflate, br, zstd
Accept-Language: en-US,en;q=0.9
"""
FIREFOX_PLAIN_PAGE = f"""\
User-Agent: {FIREFOX}
Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8
Accept-Language: en-US,en;q=0.5
Accept-Encoding: gzip, deflate
Connection: keep-alive
Referer: http://shop.test/
Cookie: a=1
Upgrade-Insecure-Requests: 1
Priority: u=0, i
"""
FIREFOX_PLAIN_IMAGE = f"""\
User-Agent: {FIREFOX}
Accept: image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5
Accept-Language: en-US,en;q=0.5
Accept-Encoding: gzip, deflate
Connection: keep-alive
Referer: http://shop.test/two
Cookie: a=1
Priority: u=5, i
"""
FIREFOX_SECURE_PAGE = f"""\
User-Agent: {FIREFOX}
Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8
Accept-Language: en-US,en;q=0.5
Accept-Encoding: gzip, deflate, br, zstd
Connection: keep-alive
Upgrade-Insecure-Requests: 1
Sec-Fetch-Dest: document
Sec-Fetch-Mode: navigate
Sec-Fetch-Site: none
Sec-Fetch-User: ?1
Priority: u=0, i
"""
FIREFOX_SECURE_IMAGE = f"""\
User-Agent: {FIREFOX}
Accept: image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5
Accept-Language: en-US,en;q=0.5
Accept-Encoding: gzip, deflate, br, zstd
Connection: keep-alive
Referer: https://shop.test/
Cookie: a=1
Sec-Fetch-Dest: image
Sec-Fetch-Mode: no-cors
Sec-Fetch-Site: same-origin
Priority: u=4, i
"""
SAFARI_PLAIN_PAGE = f"""\
User-Agent: {SAFARI}
Upgrade-Insecure-Requests: 1
Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8
Accept-Language: ru
Priority: u=0, i
Accept-Encoding: gzip, deflate
Cookie: a=1
Connection: keep-alive
"""
SAFARI_PLAIN_IMAGE = f"""\
User-Agent: {SAFARI}
Accept: {SAFARI_IMAGES}
Accept-Language: ru
Referer: http://shop.test/
Priority: u=5, i
Accept-Encoding: gzip, deflate
Cookie: a=1
Connection: keep-alive
"""
