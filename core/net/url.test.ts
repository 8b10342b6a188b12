import { describe, expect, it } from 'vitest'
import { parseTarget } from './url.ts'

describe('parseTarget', () => {
  it('splits a plain URL', () => {
    expect(parseTarget('https://hooks.example.com/a/b?c=d')).toEqual({
      origin: 'https://hooks.example.com',
      protocol: 'https:',
      host: 'hooks.example.com',
      port: 443,
      path: '/a/b?c=d',
      literal: false,
    })
    expect(parseTarget('http://8.8.8.8:81')).toMatchObject({ port: 81, literal: true, path: '/' })
    expect(parseTarget('http://[2606:4700::1]/')).toMatchObject({ host: '2606:4700::1' })
    expect(parseTarget('https://bücher.example/x').host).toBe('xn--bcher-kva.example')
  })

  it.each([
    ['ftp://example.com/', 'scheme'],
    ['file:///etc/passwd', 'scheme'],
    ['gopher://127.0.0.1:11211/', 'scheme'],
    ['http://user:pass@example.com/', 'userinfo'],
    ['http://user@example.com/', 'userinfo'],
    ['http://@example.com/', 'userinfo'],
    ['http://example.com@127.0.0.1/', 'userinfo'],
    ['http://2130706433/', 'disguised_address'],
    ['http://0x7f000001/', 'disguised_address'],
    ['http://0x7f.1/', 'disguised_address'],
    ['http://0177.0.0.1/', 'disguised_address'],
    ['http://127.1/', 'disguised_address'],
    ['http://0/', 'disguised_address'],
    ['http://134744072/', 'disguised_address'],
    ['http://１２７.0.0.1/', 'disguised_address'],
    ['http://127.0.0.1./', 'disguised_address'],
    ['http://example.com./', 'host'],
    ['http://127。0。0。1/', 'host'],
    ['http://example．com/', 'host'],
    ['http://localhost｡/', 'host'],
    ['http://%31%32%37.0.0.1/', 'host'],
    ['http:\\\\127.0.0.1/', 'malformed'],
    ['http://exa\tmple.com/', 'malformed'],
    ['http://[fe80::1%25eth0]/', 'malformed'],
    ['http://256.256.256.256/', 'malformed'],
    ['//example.com/', 'malformed'],
    ['', 'malformed'],
  ])('F80: refuses %s (%s)', (url, reason) => {
    expect(() => parseTarget(url)).toThrow(
      expect.objectContaining({ code: 'ZENHOOK_NET_URL_REFUSED', details: { reason } }),
    )
  })

  it('F80: refuses a URL beyond any sense of length', () => {
    expect(() => parseTarget(`https://example.com/${'a'.repeat(9000)}`)).toThrow(
      expect.objectContaining({ details: { reason: 'too_long' } }),
    )
  })
})
