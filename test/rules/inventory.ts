import { inventorySchema, type Inventory } from '../../model/config.ts'

/** One online and one offline authority, one service. */
export const INVENTORY: Inventory = inventorySchema.parse({
  authorities: [
    {
      id: 'issuing-1',
      certificate: 'issuing-1.pem',
      issuer: 'root',
      crl: [{ url: 'http://crl.test/issuing-1.crl' }],
      ocsp: [{ url: 'http://ocsp.test/', serial: '1234' }],
    },
    { id: 'root', class: 'offline', certificate: 'root.pem', crl: [{ url: 'http://crl.test/root.crl' }] },
  ],
  services: [{ id: 'shop', endpoint: 'shop.test:443', issuer: 'issuing-1' }],
})
